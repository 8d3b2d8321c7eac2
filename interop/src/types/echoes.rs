//! For each argument type two commands that give their value back, `Echo…` and `Maybe…`.

use std::path::PathBuf;
use std::sync::Arc;

use amp_rpc::argument::{DateTime, Decimal};
use amp_rpc::{Answer, Command, Fields, Responders};
use bytes::Bytes;
use num_bigint::BigInt;

/// A command that gives its value back.
pub trait Echo: Command<Response = Self> {
    /// The type of the value.
    type Value;

    /// The command with a value.
    fn new(value: Self::Value) -> Self;

    /// The value of the command, or of its answer.
    fn into_value(self) -> Self::Value;
}

macro_rules! echoes {
    ($($echo:ident $maybe:ident $value:ty;)*) => {
        $(
            echoes!(one $echo $value);
            echoes!(one $maybe Option<$value>);
        )*

        /// Adds the responders of all echoes.
        pub fn serve_echoes<S>(responders: Responders<Arc<S>>) -> Responders<Arc<S>>
        where
            S: Send + Sync + 'static,
        {
            responders$(.on(echo::<S, $echo>).on(echo::<S, $maybe>))*
        }
    };
    (one $name:ident $value:ty) => {
        #[doc = concat!("The command `", stringify!($name), "` and its answer.")]
        #[derive(Debug, Command)]
        #[amp(response = $name)]
        pub struct $name {
            /// What comes back.
            pub value: $value,
        }

        impl Echo for $name {
            type Value = $value;

            fn new(value: $value) -> Self {
                Self { value }
            }

            fn into_value(self) -> $value {
                self.value
            }
        }
    };
}

echoes! {
    EchoInteger MaybeInteger BigInt;
    EchoString MaybeString Bytes;
    EchoUnicode MaybeUnicode String;
    EchoFloat MaybeFloat f64;
    EchoBoolean MaybeBoolean bool;
    EchoPath MaybePath PathBuf;
    EchoDecimal MaybeDecimal Decimal;
    EchoDateTime MaybeDateTime DateTime;
    EchoListOfInteger MaybeListOfInteger Vec<BigInt>;
    EchoListOfString MaybeListOfString Vec<Bytes>;
    EchoListOfUnicode MaybeListOfUnicode Vec<String>;
    EchoListOfFloat MaybeListOfFloat Vec<f64>;
    EchoListOfBoolean MaybeListOfBoolean Vec<bool>;
    EchoListOfPath MaybeListOfPath Vec<PathBuf>;
    EchoListOfDecimal MaybeListOfDecimal Vec<Decimal>;
    EchoListOfDateTime MaybeListOfDateTime Vec<DateTime>;
    EchoListOfListOfUnicode MaybeListOfListOfUnicode Vec<Vec<String>>;
    EchoListOfListOfListOfInteger MaybeListOfListOfListOfInteger Vec<Vec<Vec<BigInt>>>;
    EchoAmpList MaybeAmpList Vec<Row>;
}

async fn echo<S, C: Command<Response = C>>(_: Arc<S>, command: C) -> Answer<C> {
    Ok(command)
}

/// A row of the AmpList.
#[derive(Debug, Clone, PartialEq, Fields)]
#[allow(missing_docs, reason = "the names say nothing but the types do")]
pub struct Row {
    pub name: String,
    pub count: Option<BigInt>,
    pub tags: Option<Vec<String>>,
    pub data: Option<Bytes>,
    pub points: Option<Vec<Point>>,
}

/// A row of `Row::points`.
#[derive(Debug, Clone, PartialEq, Fields)]
#[allow(missing_docs, reason = "the names say nothing but the types do")]
pub struct Point {
    pub x: f64,
    pub when: Option<DateTime>,
    pub price: Option<Decimal>,
    pub ok: Option<bool>,
}

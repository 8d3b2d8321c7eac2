//! Argument types of an application's own: one that is a single value, and one that uses several keys
//! of the box.
//!
//!     cargo run --example custom_argument
//!
//! Prints the keys of the box that travels, and the values that arrive:
//!
//!     {"color": <6 bytes>, "picture": <65535 bytes>, "picture.2": <34465 bytes>}
//!     color #ff8000, a picture of 100000 bytes

use std::error::Error;

use amp_rpc::argument::Source;
use amp_rpc::schema::Type;
use amp_rpc::wire::{BoxWriter, Key, Name, RawValue, ValueWriter};
use amp_rpc::{
    Amp, AmpBox, Answer, Argument, Command, Context, DecodeError, EncodeError, Field, Responders,
};

/// A color as six hexadecimal digits: one value, so two functions are enough.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Color(u32);

impl Argument for Color {
    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        out.extend_from_slice(format!("{:06x}", self.0).as_bytes());
        Ok(())
    }

    fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
        let digits = std::str::from_utf8(&value).ok();
        digits
            .filter(|digits| digits.len() == 6)
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .map(Self)
            .ok_or_else(|| DecodeError::expected("a color such as ff8000", &value))
    }
}

/// Bytes of any length: what does not fit the value of one key goes under further keys, `KEY.2`,
/// `KEY.3` and so on.
#[derive(Debug, Clone, PartialEq)]
struct Long(Vec<u8>);

const PIECE: usize = 65_535;

impl Field for Long {
    const TYPE: &'static Type = &Type::Custom(amp_rpc::Shared::Static("Long"));

    fn to_box(
        &self,
        key: Key<'_>,
        out: &mut BoxWriter<'_>,
        _cx: &mut dyn Context,
    ) -> Result<(), EncodeError> {
        let mut pieces = self.0.chunks(PIECE);
        out.put(key, pieces.next().unwrap_or_default())?;
        for (number, piece) in (2..).zip(pieces) {
            let name = further(key, number).map_err(EncodeError::unencodable)?;
            out.put(name.key(), piece)?;
        }
        Ok(())
    }

    fn from_box(source: Source<'_>, _cx: &mut dyn Context) -> Result<Self, DecodeError> {
        let key = source.key();
        let first = source
            .value()
            .ok_or_else(|| DecodeError::missing("bytes").at(key))?;
        let mut bytes = first.to_vec();
        for number in 2.. {
            let piece = further(key, number)
                .ok()
                .and_then(|name| source.whole_box().get(name.as_bytes()));
            match piece {
                Some(piece) => bytes.extend_from_slice(&piece),
                None => break,
            }
        }
        Ok(Self(bytes))
    }
}

fn further(key: Key<'_>, number: usize) -> Result<Name, String> {
    let mut name = key.name().to_vec();
    name.extend_from_slice(format!(".{number}").as_bytes());
    Name::new(name).map_err(|error| error.to_string())
}

#[derive(Debug, Command)]
struct Paint {
    color: Color,
    picture: Long,
}

async fn paint(command: Paint) -> Answer<Paint> {
    let (color, size) = (command.color.0, command.picture.0.len());
    println!("color #{color:06x}, a picture of {size} bytes");
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let paint_it = || Paint {
        color: Color(0xff_80_00),
        picture: Long(vec![7; 100_000]),
    };

    // What travels, seen offline.
    let mut bytes = Vec::new();
    let limits = amp_rpc::wire::Limits::DEFAULT;
    let mut writer = BoxWriter::new(&mut bytes, limits, &[]);
    amp_rpc::Fields::to_box(&paint_it(), &mut writer, &mut amp_rpc::NoContext)?;
    writer.finish()?;
    let first = amp_rpc::wire::parse(&bytes)
        .next()
        .ok_or("there is no box")??;
    let shown: AmpBox = first.to_owned();
    println!("{shown:?}");

    let (left, right) = tokio::io::duplex(1 << 16);
    let _server = Amp::new().locator(Responders::new().on(paint)).over(left);
    let peer = Amp::new().over(right);
    peer.call(paint_it()).await?;
    Ok(())
}

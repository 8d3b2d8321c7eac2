//! Generates the code of those peers that need some: of the one that is built.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "capnp")]
    capnp();
    #[cfg(feature = "tonic")]
    tonic();
}

#[cfg(feature = "capnp")]
fn capnp() {
    let schema = "src/bin/capnp/adder.capnp";
    println!("cargo::rerun-if-changed={schema}");
    capnpc::CompilerCommand::new()
        .src_prefix("src/bin/capnp")
        .file(schema)
        .run()
        .expect("the schema compiles where `capnp` is");
}

/// What `protoc` and tonic's generator would make of a file with these two methods; `protoc` is not needed for it.
#[cfg(feature = "tonic")]
fn tonic() {
    use tonic_build::manual::{Builder, Method, Service};

    let method = |name: &str, route: &str, input: &str, output: &str| {
        Method::builder()
            .name(name)
            .route_name(route)
            .input_type(input)
            .output_type(output)
            .codec_path("tonic_prost::ProstCodec")
            .build()
    };
    let service = Service::builder()
        .name("Adder")
        .package("bench")
        .method(method("sum", "Sum", "crate::Sum", "crate::Total"))
        .method(method("echo", "Echo", "crate::Data", "crate::Data"))
        .build();
    Builder::new().compile(&[service]);
}

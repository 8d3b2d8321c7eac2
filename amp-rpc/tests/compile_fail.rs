//! What the compiler says about mistakes in the use of the macros, word by word.
//!
//! The messages are those of one toolchain; after a change run with `TRYBUILD=overwrite` and read
//! what is different.

#[test]
fn mistakes_are_explained() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}

//! Decimals from and to the types of other crates, each behind the feature of its name.

#[cfg(feature = "rust_decimal")]
mod with_rust_decimal {
    use amp_rpc_core::argument::DecimalError;
    use amp_rpc_core::wire::{RawValue, ValueWriter};
    use amp_rpc_core::{Argument, Decimal};
    use proptest::prelude::*;
    use rust_decimal::Decimal as Other;

    fn convert(text: &str) -> Result<Other, DecimalError> {
        let number: Decimal = text.parse().unwrap();
        Other::try_from(number)
    }

    fn check(text: &str, expected: &str) {
        let converted = convert(text).unwrap();
        assert_eq!(Decimal::from(converted).to_string(), expected, "{text}");
        assert_eq!(converted, expected.parse::<Other>().unwrap(), "{text}");
    }

    #[test]
    fn the_form_is_kept_where_there_is_room() {
        for text in ["0", "1", "-1.50", "1.00", "0.00", "12345.678", "0.000001"] {
            check(text, text);
        }
        let most = "79228162514264337593543950335";
        check(most, most);
        let finest = "7.9228162514264337593543950335";
        check(finest, finest);
        assert_eq!(
            Decimal::from(convert("1E-28").unwrap()).to_string(),
            "1E-28"
        );
    }

    #[test]
    fn zero_keeps_its_sign() {
        assert_eq!(Decimal::from(convert("-0").unwrap()).to_string(), "-0");
        assert_eq!(
            Decimal::from(convert("-0.00").unwrap()).to_string(),
            "-0.00"
        );
    }

    #[test]
    fn exponents_become_zeros() {
        check("1E+2", "100");
        check("-1.5E+3", "-1500");
        check("1E+28", "10000000000000000000000000000");
        check("0E+999999999999999999", "0");
    }

    #[test]
    fn zeros_below_the_last_place_are_cut() {
        check(
            "1.500000000000000000000000000000000",
            "1.5000000000000000000000000000",
        );
        check(
            "12345678901234567890123456.00000",
            "12345678901234567890123456.000",
        );
        check(
            "99999999999999999999999999.000",
            "99999999999999999999999999.00",
        );
        check(
            "10000000000000000000000000000.00",
            "10000000000000000000000000000",
        );
        let zero = Decimal::from(convert("0E-1999999999999999997").unwrap());
        assert_eq!(zero.to_string(), "0E-28");
    }

    #[test]
    fn what_would_have_to_be_rounded_is_refused() {
        for text in [
            "79228162514264337593543950336",
            "1E+29",
            "8E+28",
            "800000000000000000000000000000",
            "1E+999999999999999999",
            "1E-29",
            "1.5E-28",
            "1E-1999999999999999997",
            "1.50000000000000000000000000000000001",
            "123456789012345678901234567890",
            "123456789012345678901234567890123456789012345678901234567890.5",
        ] {
            assert_eq!(convert(text), Err(DecimalError::DoesNotFit), "{text}");
        }
        for text in ["Infinity", "-Infinity", "NaN", "sNaN1"] {
            assert_eq!(convert(text), Err(DecimalError::NotFinite), "{text}");
        }
    }

    #[test]
    fn it_is_an_argument() {
        let mut out = Vec::new();
        let number = Other::new(-12050, 2);
        number.encode(&mut ValueWriter::new(&mut out)).unwrap();
        assert_eq!(out, b"-120.50");
        assert_eq!(Other::decode(RawValue::new(&out)), Ok(number));
        let error = Other::decode(RawValue::new(b"1E+40")).unwrap_err();
        let expected =
            "expected a finite decimal number of 96 bits with at most 28 places, got \"1E+40\"";
        assert_eq!(error.to_string(), expected);
        assert!(Other::decode(RawValue::new(b"x")).is_err());
    }

    proptest! {
        #[test]
        fn every_number_survives(
            mantissa in -79_228_162_514_264_337_593_543_950_335_i128..=79_228_162_514_264_337_593_543_950_335,
            scale in 0..=28_u32,
        ) {
            let number = Other::from_i128_with_scale(mantissa, scale);
            let back = Other::try_from(Decimal::from(number)).unwrap();
            prop_assert_eq!(back, number);
            prop_assert_eq!(back.scale(), scale);
        }
    }
}

#[cfg(feature = "bigdecimal")]
mod with_bigdecimal {
    use amp_rpc_core::Decimal;
    use amp_rpc_core::argument::DecimalError;
    use bigdecimal::BigDecimal;
    use bigdecimal::num_bigint::BigInt;

    fn there_and_back(text: &str) -> String {
        let number: Decimal = text.parse().unwrap();
        let converted = BigDecimal::try_from(number).unwrap();
        Decimal::try_from(converted).unwrap().to_string()
    }

    #[test]
    fn digits_and_exponents_are_kept() {
        let long = format!("-1.{}", "1234567890".repeat(100));
        for text in [
            "0",
            "1.50",
            "-0.000001",
            "1E+2",
            "0E-7",
            "1E+999999999999999999",
            "1E-1999999999999999997",
            &long,
        ] {
            assert_eq!(there_and_back(text), text);
        }
        let number: Decimal = "-1.50".parse().unwrap();
        assert_eq!(
            BigDecimal::try_from(&number),
            Ok(BigDecimal::new((-150).into(), 2))
        );
    }

    #[test]
    fn zero_has_no_sign() {
        assert_eq!(there_and_back("-0.00"), "0.00");
    }

    #[test]
    fn infinities_and_nans_are_refused() {
        for text in ["Infinity", "NaN", "-sNaN5"] {
            let number: Decimal = text.parse().unwrap();
            assert_eq!(
                BigDecimal::try_from(number),
                Err(DecimalError::NotFinite),
                "{text}"
            );
        }
    }

    #[test]
    fn exponents_beyond_pythons_are_refused() {
        for scale in [i64::MIN, i64::MAX, -1_000_000_000_000_000_000] {
            let number = BigDecimal::new(BigInt::from(1), scale);
            assert_eq!(
                Decimal::try_from(number),
                Err(DecimalError::ExponentOutOfRange),
                "{scale}"
            );
        }
    }
}

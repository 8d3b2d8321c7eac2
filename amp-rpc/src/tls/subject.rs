//! The subject of a certificate as text.

use x509_parser::der_parser::asn1_rs::{Any, Tag, ToDer};
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// The attributes that have a name in the text; the others have their number there.
const NAMES: [(&str, &str); 11] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.6", "C"),
    ("2.5.4.9", "STREET"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("2.5.4.5", "serialNumber"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
];

/// A subject in the form of RFC 4514: the last attribute first, and escapes for what would otherwise look
/// like the next attribute. Programs decide by this text what a peer may do, and its owner may have chosen
/// parts of it.
pub(super) fn text(subject: &X509Name<'_>) -> String {
    let sets = subject.iter().map(|set| {
        let attributes: Vec<_> = set.iter().map(attribute).collect();
        attributes.join("+")
    });
    let mut sets: Vec<_> = sets.collect();
    sets.reverse();
    sets.join(",")
}

fn attribute(attribute: &AttributeTypeAndValue<'_>) -> String {
    let number = attribute.attr_type().to_id_string();
    let name = NAMES.iter().find(|(known, _)| *known == number);
    let value = attribute.attr_value();
    match (name, decoded(value)) {
        (Some((_, name)), Some(text)) => format!("{name}={}", escaped(&text)),
        (Some((_, name)), None) => format!("{name}={}", in_hex(value)),
        (None, _) => format!("{number}={}", in_hex(value)),
    }
}

fn decoded(value: &Any<'_>) -> Option<String> {
    match value.tag() {
        Tag::Utf8String
        | Tag::PrintableString
        | Tag::Ia5String
        | Tag::NumericString
        | Tag::VisibleString => String::from_utf8(value.data.to_vec()).ok(),
        Tag::BmpString if value.data.len() % 2 == 0 => {
            let pairs = value.data.chunks_exact(2);
            let units = pairs.map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            char::decode_utf16(units).collect::<Result<_, _>>().ok()
        }
        _ => None,
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let last = text.chars().count().saturating_sub(1);
    for (at, character) in text.chars().enumerate() {
        match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => escaped.extend(['\\', character]),
            '#' if at == 0 => escaped.push_str("\\#"),
            ' ' if at == 0 || at == last => escaped.push_str("\\ "),
            // The standard wants it of the zero byte only; a log has one subject a line.
            _ if character.is_control() => {
                for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                    escaped.push_str(&format!("\\{byte:02X}"));
                }
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

/// What has no text of its own stands there in DER.
fn in_hex(value: &Any<'_>) -> String {
    let der = value.to_der_vec().unwrap_or_default();
    let digits = der.iter().map(|byte| format!("{byte:02x}"));
    format!("#{}", digits.collect::<String>())
}

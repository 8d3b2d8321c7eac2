//! The spellings that `rename_all` knows: those of serde, with the same results.

/// A way to spell a name of several words.
#[derive(Clone, Copy)]
pub(crate) enum Case {
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

const CASES: [(&str, Case); 8] = [
    ("lowercase", Case::Lower),
    ("UPPERCASE", Case::Upper),
    ("PascalCase", Case::Pascal),
    ("camelCase", Case::Camel),
    ("snake_case", Case::Snake),
    ("SCREAMING_SNAKE_CASE", Case::ScreamingSnake),
    ("kebab-case", Case::Kebab),
    ("SCREAMING-KEBAB-CASE", Case::ScreamingKebab),
];

impl Case {
    /// The case that spells its own name this way.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let known = CASES.iter().find(|(known, _)| *known == name);
        known.map(|(_, case)| *case)
    }

    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        CASES.iter().map(|(name, _)| *name)
    }

    /// Spells the name of a field, which is written in `snake_case`.
    pub(crate) fn of_field(self, field: &str) -> String {
        match self {
            Self::Lower | Self::Snake => field.to_owned(),
            Self::Upper | Self::ScreamingSnake => field.to_ascii_uppercase(),
            Self::Pascal => field.split('_').map(capitalized).collect(),
            Self::Camel => uncapitalized(&Self::Pascal.of_field(field)),
            Self::Kebab => field.replace('_', "-"),
            Self::ScreamingKebab => Self::ScreamingSnake.of_field(field).replace('_', "-"),
        }
    }

    /// Spells the name of a variant, which is written in `PascalCase`. Every capital begins a word.
    pub(crate) fn of_variant(self, variant: &str) -> String {
        match self {
            Self::Pascal => variant.to_owned(),
            Self::Lower => variant.to_ascii_lowercase(),
            Self::Upper => variant.to_ascii_uppercase(),
            Self::Camel => uncapitalized(variant),
            Self::Snake => {
                let mut snake = String::new();
                for (index, letter) in variant.char_indices() {
                    if index > 0 && letter.is_uppercase() {
                        snake.push('_');
                    }
                    snake.push(letter.to_ascii_lowercase());
                }
                snake
            }
            Self::ScreamingSnake => Self::Snake.of_variant(variant).to_ascii_uppercase(),
            Self::Kebab => Self::Snake.of_variant(variant).replace('_', "-"),
            Self::ScreamingKebab => Self::ScreamingSnake.of_variant(variant).replace('_', "-"),
        }
    }
}

fn capitalized(word: &str) -> String {
    with_first(word, |letter| letter.to_ascii_uppercase())
}

fn uncapitalized(word: &str) -> String {
    with_first(word, |letter| letter.to_ascii_lowercase())
}

fn with_first(word: &str, change: impl Fn(char) -> char) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(change)
        .into_iter()
        .chain(letters)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_spelled_as_serde_spells_them() {
        let spelled = |field: &str| Case::names().map(|name| of(name).of_field(field)).collect();
        let expected: Vec<String> = spelled("user_name2_x");
        assert_eq!(
            expected,
            [
                "user_name2_x",
                "USER_NAME2_X",
                "UserName2X",
                "userName2X",
                "user_name2_x",
                "USER_NAME2_X",
                "user-name2-x",
                "USER-NAME2-X",
            ]
        );
    }

    #[test]
    fn variants_are_spelled_as_serde_spells_them() {
        let spelled: Vec<_> = Case::names()
            .map(|name| of(name).of_variant("DivideByZero"))
            .collect();
        assert_eq!(
            spelled,
            [
                "dividebyzero",
                "DIVIDEBYZERO",
                "DivideByZero",
                "divideByZero",
                "divide_by_zero",
                "DIVIDE_BY_ZERO",
                "divide-by-zero",
                "DIVIDE-BY-ZERO",
            ]
        );
        assert_eq!(Case::Snake.of_variant("IOError"), "i_o_error");
    }

    #[test]
    fn letters_beyond_ascii_stay() {
        assert_eq!(Case::Camel.of_field("größe_öl"), "größeöl");
        assert_eq!(Case::Camel.of_variant("Öl"), "Öl");
        assert_eq!(Case::Pascal.of_field("_a__b"), "AB");
    }

    fn of(name: &str) -> Case {
        Case::parse(name).expect("a known case")
    }
}

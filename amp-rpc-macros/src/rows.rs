//! What a list holds, as far as a macro can see.

use syn::{GenericArgument, Ident, PathArguments, Type};

/// The types that hold others as the elements of a list, or as an optional value.
const HOLDERS: [&str; 5] = ["Option", "Vec", "VecDeque", "Box", "Arc"];

/// The place where `ty` is a list, or a list of lists, of the struct `own` itself.
///
/// Types of the user's own that only mention the struct, such as `Id<User>`, are none.
pub(crate) fn find_own<'a>(ty: &'a Type, own: &Ident) -> Option<&'a Type> {
    match ty {
        Type::Slice(slice) => find_own(&slice.elem, own),
        Type::Group(group) => find_own(&group.elem, own),
        Type::Paren(paren) => find_own(&paren.elem, own),
        Type::Path(path) => {
            let last = path.path.segments.last()?;
            let alone = path.qself.is_none() && path.path.segments.len() == 1;
            if alone && (last.ident == *own || last.ident == "Self") {
                return Some(ty);
            }
            let PathArguments::AngleBracketed(arguments) = &last.arguments else {
                return None;
            };
            let holds = HOLDERS.iter().any(|holder| last.ident == holder);
            match arguments.args.first()? {
                GenericArgument::Type(element) if holds => find_own(element, own),
                _ => None,
            }
        }
        _ => None,
    }
}

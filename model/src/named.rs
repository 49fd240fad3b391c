//! The shape that all enumerations of the vocabulary share: a closed list of members, each with one name.

/// A text that is none of the names of an enumeration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no {kind} is named {found:?}; write one of: {}", known.join(", "))]
pub struct UnknownName {
    /// What the text should have named, for instance "tenant status".
    pub kind: &'static str,
    /// The text that was found, cut to 64 characters.
    pub found: String,
    /// The names that would have been right.
    pub known: &'static [&'static str],
}

/// Defines an enumeration with `ALL`, `name`, `Display`, `FromStr` and serde, all from one list of names.
macro_rules! named {
    ($(#[$doc:meta])* $kind:literal, $Name:ident { $($(#[$member_doc:meta])* $Member:ident = $name:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $Name {
            $($(#[$member_doc])* #[serde(rename = $name)] $Member,)+
        }

        impl $Name {
            /// Every member, in order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$Member,)+];

            /// The name of this member in files, logs and on the wire.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$Member => $name,)+
                }
            }
        }

        impl std::fmt::Display for $Name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl std::str::FromStr for $Name {
            type Err = $crate::named::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($name => Ok(Self::$Member),)+
                    _ => Err($crate::named::UnknownName {
                        kind: $kind,
                        found: text.chars().take(64).collect(),
                        known: &[$($name,)+],
                    }),
                }
            }
        }
    };
}

pub(crate) use named;

//! `$NAME`: looked up in the environment, then in `env_file`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::ops::Range;
use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};

use crate::env::{EnvSource, Variable};

/// An `env_file` may be this long, in bytes.
const LARGEST_FILE: u64 = 1 << 20;

/// Characters of a secret that no other text has by chance.
const LEAST_SECRET: usize = 6;

/// What a value is used for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Shown in reports and bundles.
    Plain,
    /// Shown, unless the variable is a secret elsewhere in the file.
    Setting,
    /// Never shown.
    Secret,
}

/// Why a variable has no value.
pub(crate) enum Missing {
    /// Neither the environment nor the file has it.
    Unset,
    /// It has it, but with nothing in it.
    Empty,
    /// `env_file` might have it, and cannot be read. Reported once, at the file's span.
    File(Option<(Range<usize>, String)>),
    /// It would be shown, and is a secret at this byte of the spec.
    Hidden(usize),
}

/// The variables of one spec.
pub(crate) struct Variables<'e> {
    env: &'e dyn EnvSource,
    file: EnvFile,
    /// Every variable that is a secret anywhere in the file, with the byte of its first use as one.
    secrets: BTreeMap<String, usize>,
    used: BTreeMap<String, Variable>,
    /// Those of them that are shown.
    shown: BTreeSet<String>,
    /// Those by whose value alone someone is let in: no user names.
    keys: BTreeSet<String>,
}

/// Read only once a variable is needed that the environment lacks: who has all of them needs no file.
enum EnvFile {
    Absent,
    Unread(PathBuf, Range<usize>),
    Read(BTreeMap<String, String>),
    Unreadable,
}

impl<'e> Variables<'e> {
    pub(crate) fn new(env: &'e dyn EnvSource) -> Self {
        Self {
            env,
            file: EnvFile::Absent,
            secrets: BTreeMap::new(),
            used: BTreeMap::new(),
            shown: BTreeSet::new(),
            keys: BTreeSet::new(),
        }
    }

    /// Where to look for what the environment lacks; `span` is where the spec names the file.
    pub(crate) fn set_file(&mut self, path: PathBuf, span: Range<usize>) {
        self.file = EnvFile::Unread(path, span);
    }

    /// Known before any variable is looked up, so that the order of the file does not matter.
    pub(crate) fn set_secrets(&mut self, secrets: BTreeMap<String, usize>) {
        self.secrets = secrets;
    }

    /// Whether a variable is a secret anywhere in the file.
    pub(crate) fn is_secret(&self, name: &str) -> bool {
        self.secrets.contains_key(name)
    }

    /// The value of a variable, remembered as used.
    pub(crate) fn resolve(&mut self, name: &str, purpose: Use) -> Result<String, Missing> {
        if let (Use::Plain, Some(at)) = (purpose, self.secrets.get(name)) {
            return Err(Missing::Hidden(*at));
        }
        let value = match self.env.lookup(name) {
            Some(value) => value,
            None => self.look_into_file(name)?,
        };
        if value.is_empty() {
            return Err(Missing::Empty);
        }
        let variable = match purpose == Use::Secret || self.is_secret(name) {
            true => Variable::Secret(SecretString::from(value.clone())),
            false => Variable::Plain(value.clone()),
        };
        self.used.insert(name.to_owned(), variable);
        if purpose == Use::Plain {
            self.shown.insert(name.to_owned());
        }
        Ok(value)
    }

    fn look_into_file(&mut self, name: &str) -> Result<String, Missing> {
        if let EnvFile::Unread(path, span) = &self.file {
            let (path, span) = (path.clone(), span.clone());
            match read(&path) {
                Ok(values) => self.file = EnvFile::Read(values),
                Err(why) => {
                    self.file = EnvFile::Unreadable;
                    return Err(Missing::File(Some((span, why))));
                }
            }
        }
        match &self.file {
            EnvFile::Read(values) => values.get(name).cloned().ok_or(Missing::Unset),
            EnvFile::Unreadable => Err(Missing::File(None)),
            EnvFile::Absent | EnvFile::Unread(..) => Err(Missing::Unset),
        }
    }

    /// What a bundle has in place of what was read from a file.
    pub(crate) fn recorded(&self, name: &str) -> Option<String> {
        self.env.lookup(name).filter(|value| !value.is_empty())
    }

    /// A secret that is in a file of its own: recorded as a variable is, so that the record is enough without the file.
    pub(crate) fn note_file(&mut self, name: &str, secret: SecretString) {
        self.used.insert(name.to_owned(), Variable::Secret(secret));
    }

    /// A variable by whose value alone someone is let in.
    pub(crate) fn note_key(&mut self, name: &str) {
        self.keys.insert(name.to_owned());
    }

    /// Variables that would be shown, and have the value of one that is a secret: its name too.
    pub(crate) fn would_show(&self) -> Vec<(String, String)> {
        let clash = |name: &String| Some((name.clone(), self.secret_of(self.used.get(name)?)?.to_owned()));
        self.shown.iter().filter_map(clash).collect()
    }

    /// The secret whose value a variable has that is none.
    fn secret_of(&self, variable: &Variable) -> Option<&str> {
        let Variable::Plain(text) = variable else { return None };
        let is_same = |name: &&String| match self.used.get(*name) {
            Some(Variable::Secret(secret)) => secret.expose_secret() == text && text.len() >= LEAST_SECRET,
            Some(Variable::Plain(_)) | None => false,
        };
        self.keys.iter().find(is_same).map(String::as_str)
    }

    /// Every variable that was resolved. What has the value of a secret is one as well.
    pub(crate) fn into_used(self) -> BTreeMap<String, Variable> {
        let kept = |(name, variable): (&String, &Variable)| {
            let hidden = match variable {
                Variable::Plain(text) if self.secret_of(variable).is_some() => Variable::Secret(text.clone().into()),
                known => known.clone(),
            };
            (name.clone(), hidden)
        };
        self.used.iter().map(kept).collect()
    }
}

/// `NAME` of a whole value `$NAME`.
pub(crate) fn name_of(value: &str) -> Option<&str> {
    value.strip_prefix('$').filter(|name| is_name(name))
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The text of a file that a spec names.
pub(crate) fn bounded(path: &std::path::Path) -> Result<String, String> {
    let file = std::fs::File::open(path).map_err(|error| format!("cannot be read: {error}"))?;
    let mut text = String::new();
    file.take(LARGEST_FILE.saturating_add(1))
        .read_to_string(&mut text)
        .map_err(|error| format!("cannot be read: {error}"))?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > LARGEST_FILE {
        return Err(format!("is larger than {LARGEST_FILE} bytes"));
    }
    Ok(text)
}

fn read(path: &std::path::Path) -> Result<BTreeMap<String, String>, String> {
    let text = bounded(path)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut values = BTreeMap::new();
    for (number, line) in (1_usize..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // The line itself is not quoted in the error: it may hold a secret.
        let (name, value) = assignment(line).ok_or_else(|| format!("has no NAME=value on line {number}"))?;
        values.insert(name, value);
    }
    Ok(values)
}

/// `NAME=value` or `export NAME='value'`, quoted as a POSIX shell would; `$` has no special meaning.
fn assignment(line: &str) -> Option<(String, String)> {
    let line = line.strip_prefix("export ").map_or(line, str::trim_start);
    let (name, written) = line.split_once('=')?;
    is_name(name).then_some(())?;
    let mut value = String::new();
    let mut chars = written.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' => loop {
                match chars.next()? {
                    '\'' => break,
                    inner => value.push(inner),
                }
            },
            '"' => loop {
                match chars.next()? {
                    '"' => break,
                    '\\' => value.push(chars.next()?),
                    inner => value.push(inner),
                }
            },
            '\\' => value.push(chars.next()?),
            ' ' | '\t' => {
                let rest = chars.as_str().trim_start();
                return (rest.is_empty() || rest.starts_with('#')).then(|| (name.to_owned(), value));
            }
            plain => value.push(plain),
        }
    }
    Some((name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn env_file_lines_are_quoted_as_a_shell_would() {
        let value = |line| assignment(line).map(|(_, value)| value);
        assert_eq!(value("A=b"), Some("b".into()));
        assert_eq!(value("export A='b c'"), Some("b c".into()));
        assert_eq!(value(r"A='it'\''s'"), Some("it's".into()));
        assert_eq!(value(r#"A="say \"hi\"" # comment"#), Some(r#"say "hi""#.into()));
        assert_eq!(value("A=x=y=="), Some("x=y==".into()));
        for bad in ["A", "=b", "A='b", "A=\"b", "A=b c", "1A=b", "A B=c", "A=b\\"] {
            assert_eq!(value(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_secret_is_one_wherever_it_is_used_and_never_a_plain_value() {
        let env = BTreeMap::from([("X".to_owned(), "v".to_owned())]);
        for purpose in [Use::Setting, Use::Secret] {
            let mut variables = Variables::new(&env);
            variables.set_secrets(BTreeMap::from([("X".to_owned(), 7)]));
            assert!(variables.resolve("X", purpose).is_ok());
            assert!(matches!(variables.resolve("X", Use::Plain), Err(Missing::Hidden(7))));
            assert!(matches!(variables.into_used().get("X"), Some(Variable::Secret(_))));
        }
    }
}

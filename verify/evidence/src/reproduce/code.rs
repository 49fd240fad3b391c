//! A one-time code as a command that makes it.

use secrecy::ExposeSecret as _;
use watertight_spec::{Spec, Totp, TotpAlgorithm};

use super::shell::quoted;
use super::variable;

/// A word that is the code of this moment (RFC 6238). None where the seed has no variable.
pub(super) fn one_time_code(spec: &Spec, totp: &Totp) -> Option<String> {
    let seed = quoted(&variable(spec, totp.seed.expose_secret())?);
    let algorithm = match totp.algorithm {
        TotpAlgorithm::Sha1 => "sha1",
        TotpAlgorithm::Sha256 => "sha256",
        TotpAlgorithm::Sha512 => "sha512",
    };
    let (digits, period) = (totp.digits, totp.period.as_secs());
    Some(format!(
        "\"$(python3 -c 'import base64,hmac,sys,time;\
s=\"\".join(c for c in sys.argv[1].upper() if c not in \" -=\");k=base64.b32decode(s+\"=\"*(-len(s)%8));\
h=hmac.digest(k,(int(time.time())//{period}).to_bytes(8,\"big\"),\"{algorithm}\");o=h[-1]&15;\
print(str((int.from_bytes(h[o:o+4],\"big\")&0x7fffffff)%10**{digits}).zfill({digits}))' {seed})\""
    ))
}

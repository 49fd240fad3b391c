//! One-time codes (RFC 6238): made from a seed and the time, each sent once, as RFC 6238 5.2 asks of whoever accepts them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use aws_lc_rs::{digest, hmac};
use secrecy::ExposeSecret as _;
use watertight_spec::{Totp, TotpAlgorithm};

use crate::clock::Clock;

/// What the log has in place of a code.
pub(crate) const SHOWN: &str = "[one-time code]";

/// A code that is good for less than this may be too old when it arrives.
const LEAST_LEFT: Duration = Duration::from_secs(2);

/// The codes of a run.
pub(crate) struct Codes {
    clock: Box<dyn Clock>,
    of_seeds: RefCell<HashMap<Seed, Rc<OfSeed>>>,
}

/// What is known of one seed: two principals may be one person.
#[derive(Default)]
pub(crate) struct OfSeed {
    /// The last period of which the code was sent.
    last: std::cell::Cell<Option<u64>>,
    /// Held from before a code is waited for until it has been sent.
    pub(crate) turn: tokio::sync::Mutex<()>,
}

/// A seed, known by its digest.
#[derive(PartialEq, Eq, Hash)]
struct Seed {
    digest: Vec<u8>,
    period: Duration,
}

impl Codes {
    pub(crate) fn new(clock: Box<dyn Clock>) -> Self {
        Self { clock, of_seeds: RefCell::default() }
    }

    /// Whose turn it is to send a code of this seed.
    pub(crate) fn of_seed(&self, totp: &Totp) -> Rc<OfSeed> {
        let digest = digest::digest(&digest::SHA256, normal(totp.seed.expose_secret()).as_bytes()).as_ref().to_vec();
        Rc::clone(self.of_seeds.borrow_mut().entry(Seed { digest, period: totp.period }).or_default())
    }

    /// How long until there is a code that was not sent and is good for a moment: less than two periods.
    pub(crate) fn wait(&self, totp: &Totp) -> Duration {
        let (now, last) = (self.clock.now(), self.of_seed(totp).last.get());
        let this = counter(now, totp.period);
        let next = this.saturating_add(1);
        let left = begin_of(next, totp.period).saturating_sub(now);
        match last {
            Some(last) if last >= this => {
                // Of a clock that was set back nothing is waited for.
                let free = last.saturating_add(1).min(next.saturating_add(1));
                begin_of(free, totp.period).saturating_sub(now)
            }
            _ if left < LEAST_LEFT => left,
            _ => Duration::ZERO,
        }
    }

    /// Since 1970.
    pub(crate) fn now(&self) -> Duration {
        self.clock.now()
    }

    pub(crate) async fn sleep(&self, time: Duration) {
        self.clock.sleep(time).await;
    }

    /// The code of this moment, which is then used up.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn take(&self, totp: &Totp) -> Result<String, String> {
        let key = base32(totp.seed.expose_secret())
            .ok_or("`totp` makes no code: a seed is 16 or more letters and digits of base32 (A to Z, 2 to 7)")?;
        let (of_seed, this) = (self.of_seed(totp), counter(self.clock.now(), totp.period));
        if of_seed.last.get().is_some_and(|last| last >= this) {
            return Err("the one-time code of this moment was sent before".to_owned());
        }
        of_seed.last.set(Some(this));
        Ok(code(&key, this, totp))
    }
}

/// RFC 6238 4.2: the periods since 1970.
fn counter(now: Duration, period: Duration) -> u64 {
    now.as_secs().checked_div(period.as_secs()).unwrap_or_default()
}

fn begin_of(counter: u64, period: Duration) -> Duration {
    Duration::from_secs(counter.saturating_mul(period.as_secs()))
}

/// RFC 4226 5.3: of the HMAC of the counter, 31 bits at a place that its last four bits name.
fn code(key: &[u8], counter: u64, totp: &Totp) -> String {
    let algorithm = match totp.algorithm {
        TotpAlgorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        TotpAlgorithm::Sha256 => hmac::HMAC_SHA256,
        TotpAlgorithm::Sha512 => hmac::HMAC_SHA512,
    };
    let tag = hmac::sign(&hmac::Key::new(algorithm, key), &counter.to_be_bytes());
    let tag = tag.as_ref();
    let place = tag.last().map_or(0, |last| usize::from(last & 15));
    let four = tag.get(place..).and_then(<[u8]>::first_chunk::<4>).copied().unwrap_or_default();
    let number = (u32::from_be_bytes(four) & 0x7fff_ffff) % 10_u32.pow(totp.digits);
    format!("{number:0width$}", width = usize::try_from(totp.digits).unwrap_or_default())
}

/// As issuers print them: in groups, in lower case, padded.
pub(crate) fn normal(seed: &str) -> String {
    seed.chars().filter(|c| !matches!(c, ' ' | '-' | '=')).map(|c| c.to_ascii_uppercase()).collect()
}

/// RFC 4648 6. RFC 4226 4 asks for 128 bits; 80 are usual.
fn base32(seed: &str) -> Option<Vec<u8>> {
    const LEAST: usize = 16;
    let seed = normal(seed);
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0_u32);
    for c in seed.bytes() {
        let five = match c {
            b'A'..=b'Z' => c - b'A',
            b'2'..=b'7' => c - b'2' + 26,
            _ => return None,
        };
        held = (held << 5 | u32::from(five)) & 0xfff;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).ok()?);
        }
    }
    (seed.len() >= LEAST).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures::FutureExt as _;
    use futures::future::LocalBoxFuture;

    use super::*;

    /// It is the same moment until someone sleeps.
    struct Hand(Rc<Cell<Duration>>);

    impl Clock for Hand {
        fn now(&self) -> Duration {
            self.0.get()
        }
        fn sleep(&self, time: Duration) -> LocalBoxFuture<'static, ()> {
            self.0.set(self.0.get() + time);
            async {}.boxed_local()
        }
    }

    fn at(seconds: u64) -> (Codes, Rc<Cell<Duration>>) {
        let now = Rc::new(Cell::new(Duration::from_secs(seconds)));
        (Codes::new(Box::new(Hand(Rc::clone(&now)))), now)
    }

    fn totp(seed: &str, algorithm: TotpAlgorithm, digits: u32) -> Totp {
        Totp { seed: seed.into(), digits, period: Duration::from_secs(30), algorithm }
    }

    const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn codes_are_those_of_rfc_6238_appendix_b() {
        let of_32 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA====";
        let of_64 =
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNA=";
        for (seconds, sha1, sha256, sha512) in [
            (59, "94287082", "46119246", "90693936"),
            (1_111_111_109, "07081804", "68084774", "25091201"),
            (20_000_000_000, "65353130", "77737706", "47863826"),
        ] {
            let (codes, _) = at(seconds);
            for (seed, algorithm, expected) in [
                (SEED, TotpAlgorithm::Sha1, sha1),
                (of_32, TotpAlgorithm::Sha256, sha256),
                (of_64, TotpAlgorithm::Sha512, sha512),
            ] {
                assert_eq!(codes.take(&totp(seed, algorithm, 8)).unwrap(), expected, "{algorithm:?} at {seconds}");
            }
        }
        assert_eq!(
            at(59).0.take(&totp("gezd gnbv gy3t qojq-gezd gnbv gy3t qojq", TotpAlgorithm::Sha1, 6)).unwrap(),
            "287082"
        );
    }

    #[test]
    fn a_code_is_sent_once_in_its_period_whoever_has_the_seed() {
        let (codes, now) = at(60);
        let (one, same) = (totp(SEED, TotpAlgorithm::Sha1, 6), totp(&SEED.to_lowercase(), TotpAlgorithm::Sha1, 6));
        assert_eq!(codes.wait(&one), Duration::ZERO);
        let first = codes.take(&one).unwrap();
        assert_eq!(codes.take(&same).unwrap_err(), "the one-time code of this moment was sent before");
        now.set(Duration::from_secs(71));
        assert_eq!(codes.wait(&same), Duration::from_secs(19), "until the next period");
        now.set(Duration::from_secs(90));
        assert_eq!(codes.wait(&same), Duration::ZERO);
        assert_ne!(codes.take(&same).unwrap(), first);
    }

    #[test]
    fn a_code_that_is_about_to_expire_is_not_sent() {
        let (codes, now) = at(89);
        let one = totp(SEED, TotpAlgorithm::Sha1, 6);
        assert_eq!(codes.wait(&one), Duration::from_secs(1));
        now.set(Duration::from_secs(88));
        assert_eq!(codes.wait(&one), Duration::ZERO);
    }

    #[test]
    fn what_is_waited_for_after_a_clock_was_set_back_is_bounded() {
        let (codes, now) = at(100_000);
        let one = totp(SEED, TotpAlgorithm::Sha1, 6);
        codes.take(&one).unwrap();
        now.set(Duration::from_secs(10));
        assert_eq!(codes.wait(&one), Duration::from_secs(50));
        assert!(codes.take(&one).is_err());
    }

    #[test]
    fn what_is_no_seed_makes_no_code() {
        let (codes, _) = at(60);
        for seed in ["", "123456", "GEZDGNBVGY3TQOJ0", "GEZDGNB"] {
            let why = codes.take(&totp(seed, TotpAlgorithm::Sha1, 6)).unwrap_err();
            assert!(why.contains("base32") && (seed.is_empty() || !why.contains(seed)), "{why}");
        }
    }
}

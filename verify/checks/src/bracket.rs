//! The bracket: `open(control) → attack → close`.
//!
//! A refused attack shows something only if the same request works for its owner, before and after. So a trial opens with
//! a control, attacks, and closes with the same control again; and only [`Attacked::close`] makes [`Verdict::Isolated`],
//! through a [`Proof`] that nothing else can make. A check without a closing control does not compile.
//!
//! ```text
//!   open(control) ──▶ Open ──attack(outcome)──▶ Attacked ──close()──▶ Verdict
//!                      │                            │
//!                 what the control showed      a leak needs no closing control: it was demonstrated
//! ```

use std::time::Duration;

use crate::verdict::{Evidence, Stop, Unproven, Verdict};

/// That a control held before and after, and nothing crossed in between. Only [`Attacked::close`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    after: Option<Duration>,
    untried: Option<Untried>,
}

/// What of a trial could not be tried, while nothing crossed in the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Untried {
    /// An id that both tenants have: theirs count, and are further apart than so many objects are made in search of one.
    IdOfBoth {
        /// How many are made at most.
        made: usize,
    },
}

impl Untried {
    /// For people.
    pub fn says(self) -> String {
        match self {
            Self::IdOfBoth { made } => format!(
                "an id that both tenants have was not tried, or not in every way: their ids count, and are further apart \
                 than {made} new objects reach; where both have about as many objects, it is"
            ),
        }
    }
}

impl Proof {
    /// How long access lasted that was to end, where that was tried.
    pub fn ended_after(&self) -> Option<Duration> {
        self.after
    }

    /// What could not be tried.
    pub fn untried(&self) -> Option<Untried> {
        self.untried
    }

    /// Of all but this.
    #[must_use]
    pub fn without(self, untried: Untried) -> Self {
        Self { untried: Some(untried), ..self }
    }
}

/// What came of an attack, in itself: what a trial concludes is known when the control has held once more.
#[derive(Clone, Debug, PartialEq)]
pub enum Attack {
    /// It was refused, or accepted without showing or changing anything of the victim's.
    Withstood,
    /// It demonstrated foreign data or an effect.
    Leaked(Evidence),
    /// It showed a weakness.
    Weak(Evidence),
    /// It decided nothing.
    Undecided(Unproven),
}

impl Attack {
    /// The first that matters: a leak before a doubt, a doubt before a weakness.
    fn worse(self, other: Self) -> Self {
        let rank = |attack: &Self| match attack {
            Self::Leaked(_) => 0,
            Self::Undecided(_) => 1,
            Self::Weak(_) => 2,
            Self::Withstood => 3,
        };
        if rank(&other) < rank(&self) { other } else { self }
    }

    /// Whether it demonstrated foreign data or an effect.
    pub fn is_leak(&self) -> bool {
        matches!(self, Self::Leaked(_))
    }
}

/// What several attempts come to, so far. Of none of them nothing can be said.
#[derive(Debug, Default)]
pub struct Attempts {
    worst: Option<Attack>,
}

impl Attempts {
    /// One more.
    pub fn add(&mut self, attack: Attack) {
        self.worst = Some(match self.worst.take() {
            Some(worst) => worst.worse(attack),
            None => attack,
        });
    }

    /// Whether nothing was tried.
    pub fn is_empty(&self) -> bool {
        self.worst.is_none()
    }

    /// Whether one of them was a leak: more need not be tried.
    pub fn is_leak(&self) -> bool {
        self.worst.as_ref().is_some_and(Attack::is_leak)
    }

    /// All of them. Where there were none, nothing withstood anything.
    pub fn outcome(self) -> Attack {
        self.worst.unwrap_or_else(|| Attack::Undecided(Unproven::nothing_sent()))
    }
}

/// A bracket whose opening control has succeeded.
#[must_use = "an attack belongs into it, and the closing control"]
pub struct Open<C, H> {
    control: C,
    held: H,
}

/// A bracket in which the attack has been tried.
#[must_use = "without `close` it concludes nothing"]
pub struct Attacked<C> {
    control: C,
    attack: Attack,
    after: Option<Duration>,
}

/// Opens a bracket: the control must succeed now, and will be asked again.
///
/// # Errors
/// The control fails: the trial is unproven, or there is nothing to try.
pub async fn open<C, H>(control: C) -> Result<Open<C, H>, Stop>
where
    C: AsyncFn() -> Result<H, Stop>,
{
    let held = control().await?;
    Ok(Open { control, held })
}

impl<C, H> Open<C, H> {
    /// What the opening control showed.
    pub fn held(&self) -> &H {
        &self.held
    }

    /// With what came of the attack.
    pub fn attack(self, attack: Attack) -> Attacked<C> {
        Attacked { control: self.control, attack, after: None }
    }
}

impl<C> Attacked<C> {
    /// With how long access lasted that was to end.
    pub fn measured(self, after: Duration) -> Self {
        Self { after: Some(after), ..self }
    }

    /// Closes: what withstood the attack is isolated only if the control holds once more.
    ///
    /// # Errors
    /// The closing control fails, and nothing was demonstrated.
    pub async fn close<H>(self) -> Result<Verdict, Stop>
    where
        C: AsyncFn() -> Result<H, Stop>,
    {
        match self.attack {
            Attack::Leaked(evidence) => Ok(Verdict::Leak(evidence)),
            Attack::Undecided(unproven) => Ok(Verdict::Unproven(unproven)),
            Attack::Weak(evidence) => {
                (self.control)().await?;
                Ok(Verdict::Advisory(evidence))
            }
            Attack::Withstood => {
                (self.control)().await?;
                Ok(Verdict::Isolated(Proof { after: self.after, untried: None }))
            }
        }
    }
}

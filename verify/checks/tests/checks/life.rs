//! What becomes of access when a tenant is suspended, or read-only from then on.

use watertight_checks::run::{Afterwards, Ending, Silent};
use watertight_checks::verdict::Verdict;
use watertight_testbed::Switch::*;
use watertight_testbed::{Bed, Concluded, Fixture, Switch};

async fn lives(fixture: Fixture, switches: &[Switch]) -> Vec<Concluded> {
    let verified = Bed::with(fixture, switches).await.verify(|one| one.check == "life.access-ends").await;
    assert_eq!(verified.replay().divergences, []);
    verified.concluded()
}

fn leaking(concluded: &[Concluded]) -> Vec<&str> {
    concluded.iter().filter(|one| one.is_leak()).map(|one| one.subject.as_str()).collect()
}

const OF_SUSPENDING: [&str; 2] = ["act suspend in north", "act suspend in south"];
const OF_FREEZING: [&str; 2] = ["act freeze in north", "act freeze in south"];

#[tokio::test]
async fn who_is_suspended_or_read_only_loses_what_that_ends_and_it_is_told_how_soon() {
    for fixture in [Fixture::lives(), Fixture::lives().opaque(), Fixture::lives().jwt()] {
        let sound = lives(fixture, &[]).await;
        assert_eq!(sound.len(), 4);
        for one in &sound {
            let Verdict::Isolated(proof) = &one.verdict else { panic!("{one:?}") };
            assert!(proof.ended_after().is_some(), "{one:?}");
        }
    }
}

#[tokio::test]
async fn a_suspended_tenant_that_is_served_and_a_read_only_one_that_is_written_to_are_leaks() {
    let mut found = leaking(&lives(Fixture::lives(), &[SuspendedServed]).await).join(", ");
    assert_eq!(sorted(&found), OF_SUSPENDING);
    for written in [ReadOnlyWritten, ReadOnlyChanged] {
        found = leaking(&lives(Fixture::lives(), &[written]).await).join(", ");
        assert_eq!(sorted(&found), OF_FREEZING, "{written:?}");
    }
}

#[tokio::test]
async fn a_token_that_is_granted_after_the_act_opens_nothing_either() {
    let found = leaking(&lives(Fixture::lives().opaque(), &[NewTokensServed]).await).join(", ");
    assert_eq!(sorted(&found), OF_SUSPENDING);
}

/// A command that fails is no refusal: what it would have brought may be as good as before.
#[tokio::test]
async fn a_command_that_brings_no_new_token_after_the_act_proves_nothing() {
    for (fails_again, is_decided) in [(false, true), (true, false)] {
        let folder = tempfile::tempdir().unwrap();
        let mut fixture = Fixture::lives();
        for (tenant, secret) in [("NORTH", "secret-of-north-0123"), ("SOUTH", "secret-of-south-5678")] {
            let known = folder.path().join(tenant).display().to_string();
            let script = match fails_again {
                true => format!("test ! -e {known} && : > {known} && echo {secret}"),
                false => format!("echo {secret}"),
            };
            let by_key = format!("grant = \"header\"\nheader = \"X-Api-Key\"\nvalue = \"${tenant}\"\n");
            let by_command =
                format!("grant = \"command\"\nheader = \"X-Api-Key\"\ncommand = [\"sh\", \"-c\", \"{script}\"]\n");
            fixture = fixture.change(&by_key, &by_command);
        }
        let suspended = lives(fixture, &[SuspendedUnknown]).await;
        let suspended: Vec<_> = suspended.iter().filter(|one| OF_SUSPENDING.contains(&one.subject.as_str())).collect();
        assert_eq!(suspended.len(), 2);
        for one in suspended {
            assert_eq!((one.is_isolated(), one.is_unproven()), (is_decided, !is_decided), "{one:?}");
        }
    }
}

fn sorted(found: &str) -> Vec<&str> {
    let mut found: Vec<&str> = found.split(", ").collect();
    found.sort_unstable();
    found
}

/// That someone is refused shows nothing where the act failed, where nobody else goes on, or where it can't be taken back.
#[tokio::test]
async fn an_act_proves_nothing_that_fails_or_that_takes_others_along_or_that_stays() {
    for switch in [ActsRefused, SuspendsAll, NotResumed] {
        let concluded = lives(Fixture::lives(), &[switch]).await;
        assert!(concluded.iter().all(Concluded::is_unproven), "{switch:?}: {concluded:#?}");
    }
}

/// Whoever is suspended by a run that is stopped must not stay so: nobody else knows.
#[tokio::test]
async fn what_a_run_has_done_when_it_is_stopped_is_taken_back() {
    for answered in [None, Some(0)] {
        let bed = Bed::with(Fixture::lives(), &[]).await;
        let (stop, stopped) = tokio::sync::watch::channel(false);
        bed.hinder(move |seen| {
            let is_done = seen.target.ends_with("/suspend");
            if is_done {
                stop.send_replace(true);
            }
            // With 0 the answer never comes: it may have been done.
            answered.filter(|_| is_done)
        });
        let spec = bed.spec();
        let plan = bed.plan(&spec, |one| one.subject == OF_SUSPENDING[0]);
        let verified = bed.carry_out_until(spec, plan, Afterwards::CleanUp, &mut Silent, stopped).await;
        assert_eq!((&verified.run.ending, verified.run.left_behind.as_slice()), (&Ending::Interrupted, &[][..]));
        let seen = bed.seen();
        let of_operator = seen.iter().filter(|seen| seen.target.starts_with("/operator/"));
        let asked: Vec<&str> = of_operator.map(|seen| seen.target.as_str()).collect();
        assert_eq!(asked, ["/operator/north/suspend", "/operator/north/resume"], "{answered:?}");
    }
}

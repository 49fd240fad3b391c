//! What the form of ids tells: whether those of two tenants may meet.

use watertight_engine::Tape;
use watertight_engine::planted::{Object, Planted};
use watertight_spec::{ResourceIx, Spec, TenantIx};

use super::place::is_client_named;

/// Whether ids of a resource, or of one above it, count: then those of two tenants may meet.
pub(crate) fn ids_count(t: &Tape, tenant: TenantIx, resource: ResourceIx) -> bool {
    let counts = |id: &str| {
        let digits = id.trim_start_matches(|c: char| !c.is_ascii_digit());
        (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    t.planted.of(tenant, resource).any(|object| counts(&object.id) || object.parents.iter().any(|(_, id)| counts(id)))
}

/// Whether no other object of any tenant has its id: clients did not choose it, and it is random as far as the ids of that kind
/// show, those of other tenants among them.
pub(crate) fn has_unique_id(spec: &Spec, planted: &Planted, object: &Object) -> bool {
    let is_same = |other: &Object| (other.tenant, &other.id) == (object.tenant, &object.id);
    let all = spec.tenant_ixs().flat_map(|tenant| planted.of(tenant, object.resource));
    let others: Vec<&Object> = all.filter(|other| !is_same(other)).collect();
    !is_client_named(&spec[object.resource])
        && is_long(&object.id)
        && others.iter().all(|other| other.id != object.id)
        && (is_of_unique_form(&object.id)
            || (!others.is_empty() && others.iter().all(|other| differ(&other.id, &object.id))))
}

/// Fewer characters may come from a counter that is spelled differently: `jR3x`.
const LONG: usize = 16;

fn is_long(id: &str) -> bool {
    id.len() >= LONG
}

/// A UUID (RFC 9562 4: with its variant and a version), or an ObjectId of BSON, 24 hexadecimal digits that begin with a time:
/// unique wherever they are made, though some of a moment are much the same.
fn is_of_unique_form(id: &str) -> bool {
    let groups: Vec<&str> = id.split('-').collect();
    let is_hex = |text: &&str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let first = |text: &str| text.chars().next().and_then(|digit| digit.to_digit(16));
    match groups.as_slice() {
        [_, _, version, variant, _] => {
            groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
                && groups.iter().all(is_hex)
                && matches!((first(version), first(variant)), (Some(1..=8), Some(8..=11)))
        }
        [whole] => {
            whole.len() == 24
                && is_hex(whole)
                && !whole.bytes().all(|byte| byte.is_ascii_digit())
                && begins_with_time(whole)
        }
        _ => false,
    }
}

/// The seconds with which an ObjectId begins are of 2009, when there was the first, or later.
fn begins_with_time(id: &str) -> bool {
    const FIRST: u32 = 0x4a00_0000;
    id.get(..8).and_then(|seconds| u32::from_str_radix(seconds, 16).ok()).is_some_and(|seconds| seconds >= FIRST)
}

/// In fewer places, one may be the number after the other: `QXR0YWNobWVudDoxMg==` and `QXR0YWNobWVudDoxMw==`.
const PLACES: usize = 6;

fn differ(one: &str, other: &str) -> bool {
    let places = one.bytes().zip(other.bytes()).filter(|(one, other)| one != other).count();
    places >= PLACES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_a_counter_are_not_taken_for_random_ones() {
        for (one, other) in [
            ("QXR0YWNobWVudDoxMg==", "QXR0YWNobWVudDoxMw=="),
            ("attachment-0000000017", "attachment-0000000018"),
            ("attachment-0000000199", "attachment-0000000200"),
        ] {
            assert!(!is_of_unique_form(one) && !differ(one, other), "{one} {other}");
        }
        assert!(!is_long("x7KdPq2m") && !is_of_unique_form("000000000000000000000017"));
        assert!(
            !is_of_unique_form("00000000-0000-0000-0000-000000000017")
                && !is_of_unique_form("00000000000000000000001a")
        );
    }

    #[test]
    fn random_ids_are_told_apart() {
        assert!(differ("fi509b513d38b1af86", "fi1c77be02aa4d90e1"));
        assert!(is_of_unique_form("0190163d-8694-739b-aea5-966c26f8ad91"));
        assert!(is_of_unique_form("507f1f77bcf86cd799439011"));
    }
}

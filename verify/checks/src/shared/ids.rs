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
    let others = spec.tenant_ixs().flat_map(|tenant| planted.of(tenant, object.resource));
    let differs: Vec<bool> =
        others.filter(|other| !is_same(other)).map(|other| differ(&other.id, &object.id)).collect();
    !is_client_named(&spec[object.resource])
        && is_long(&object.id)
        && (is_of_unique_form(&object.id) || (!differs.is_empty() && !differs.contains(&false)))
}

/// Fewer characters may come from a counter that is spelled differently: `jR3x`.
const LONG: usize = 16;

fn is_long(id: &str) -> bool {
    id.len() >= LONG
}

/// A UUID (RFC 9562 4), or the 24 hexadecimal digits of an ObjectId of BSON: unique wherever they are made, though some of a
/// moment are much the same.
fn is_of_unique_form(id: &str) -> bool {
    let groups: Vec<usize> = id.split('-').map(str::len).collect();
    let is_hex = id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    is_hex && (groups == [8, 4, 4, 4, 12] || (groups == [24] && !id.bytes().all(|byte| byte.is_ascii_digit())))
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
    }

    #[test]
    fn random_ids_are_told_apart() {
        assert!(differ("fi509b513d38b1af86", "fi1c77be02aa4d90e1"));
        assert!(is_of_unique_form("0190163d-8694-739b-aea5-966c26f8ad91"));
        assert!(is_of_unique_form("507f1f77bcf86cd799439011"));
    }
}

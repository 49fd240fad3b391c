//! The guard in front of a small service, tried over HTTP in process. Tests named `bug_…` are for the bugs of other
//! products that they keep out.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod assertions;
#[cfg(test)]
mod service;
#[cfg(test)]
mod tenants;

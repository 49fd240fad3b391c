//! Every fault is really there, asked over HTTP as anyone could ask, and the sound platform has none of them.

#![cfg(test)]

mod catalog;
mod data;
mod forged;
mod issuers;
mod lab;
mod tenants;

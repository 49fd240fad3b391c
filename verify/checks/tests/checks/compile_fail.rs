/// No check says isolated without an opening control, an attack and a closing control: each of these programs tries, and
/// must not compile.
#[test]
fn nothing_is_isolated_but_by_a_closed_bracket() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

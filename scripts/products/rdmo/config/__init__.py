"""A small RDMO, as its documentation has one made for every site: what is not said here is as RDMO has it."""

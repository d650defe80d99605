//! menu.lst: lexer, parser, model.

//! What commands print: as the standard macros of these names do, but a reader who has gone
//! (`interlock prove | head -1`, a terminal that was closed) ends nothing. The command does its work to
//! the end, and its exit code says what came of it.

macro_rules! print {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = write!(std::io::stdout().lock(), $($words)*);
    }};
}

macro_rules! println {
    () => { println!("") };
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout().lock(), $($words)*);
    }};
}

macro_rules! eprintln {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr().lock(), $($words)*);
    }};
}

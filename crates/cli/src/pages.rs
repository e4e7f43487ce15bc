//! `lifeboat completions` and `lifeboat man`: made from the same definitions as the command line itself.

use std::path::Path;

use clap::CommandFactory;

use crate::args::{Args, Shell};
use crate::exit::{Exit, Failure, print};

pub(crate) fn completions(shell: Shell) -> Result<Exit, Failure> {
    let mut text = Vec::new();
    let shell = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    clap_complete::generate(shell, &mut Args::command(), "lifeboat", &mut text);
    print(&String::from_utf8_lossy(&text))?;
    Ok(Exit::AsExpected)
}

pub(crate) fn man(out: Option<&Path>) -> Result<Exit, Failure> {
    let Some(out) = out else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Args::command()).render(&mut page).map_err(Failure::Output)?;
        print(&String::from_utf8_lossy(&page))?;
        return Ok(Exit::AsExpected);
    };
    let failed = |reason| Failure::File { file: out.to_owned(), reason, option: "--out" };
    std::fs::create_dir_all(out).map_err(failed)?;
    clap_mangen::generate_to(Args::command(), out).map_err(failed)?;
    print(&format!("pages  {}\n", out.display()))?;
    Ok(Exit::AsExpected)
}

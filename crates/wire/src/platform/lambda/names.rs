//! The plan's DNS names, for processes that ask the system's resolver.
//!
//! Purpose: a function's binary sees what the world's DNS answers. Guarantees: the file of host names follows the world
//! within [`BEAT`]; it is replaced as a whole, so that no reader sees half of it. Effects: writes one file. Fails when: the
//! directory cannot be written.

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use lifeboat_model::plan::DnsName;
use lifeboat_model::{Period, Plan, Region};
use lifeboat_simulator::World;
use lifeboat_simulator::world::State;

/// How often the file is looked at.
const BEAT: Period = Period::ms(100);

/// Where systems keep `libnss_wrapper.so`.
const FOLDERS: [&str; 6] =
    ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib", "/lib"];

/// The library that lets a process resolve names by a file, where the system has it.
pub(super) fn wrapper() -> Option<PathBuf> {
    FOLDERS.iter().map(|folder| Path::new(folder).join("libnss_wrapper.so")).find(|path| path.exists())
}

/// Whether this machine lets the functions' processes see the world's DNS.
pub fn functions_see_the_dns() -> bool {
    wrapper().is_some()
}

/// The same plan with addresses in place of its names, where this machine does not let processes see the world's DNS. They
/// always answer as the target: of DNS such a run shows nothing.
pub fn with_fixed_names(mut plan: Plan, target: &Region) -> Plan {
    // Two ways to write one address, since a name has to differ from what it answers with.
    let answer = |region: &Region| (region.clone(), if region == target { "127.1" } else { "127.0.0.2" }.to_owned());
    let ttl = plan.dns.iter().map(|dns| dns.ttl).min().unwrap_or(Period::seconds(60));
    let answers = plan.regions.iter().map(answer).collect();
    plan.dns = vec![DnsName { name: "127.0.0.1".to_owned(), ttl, answers }];
    plan
}

/// Whether a process resolves every name of `plan` by itself: they are addresses.
pub(super) fn needs_no_wrapper(plan: &Plan) -> bool {
    let names = plan.dns.iter().flat_map(|dns| dns.answers.values().chain([&dns.name]));
    names.into_iter().all(|name| name.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
}

/// The address that stands for an entry in the `n`th Region: of a block that RFC 5737 keeps for documentation.
fn address(n: usize, entry: usize) -> Ipv4Addr {
    let block = if n == 0 { [198, 51, 100] } else { [203, 0, 113] };
    Ipv4Addr::new(block[0], block[1], block[2], u8::try_from(entry + 1).unwrap_or(u8::MAX))
}

/// The names of the plan and of their entries, and the addresses that they have now.
pub(super) fn names(state: &State) -> Vec<(String, Ipv4Addr)> {
    let number: BTreeMap<&Region, usize> = state.plan.regions.iter().enumerate().map(|(n, r)| (r, n)).collect();
    let mut lines = Vec::new();
    for (entry, dns) in state.plan.dns.iter().enumerate() {
        for (region, answer) in &dns.answers {
            let address = address(number.get(region).copied().unwrap_or_default(), entry);
            lines.push((answer.clone(), address));
            if state.traffic.healthy.contains(region) {
                lines.push((dns.name.clone(), address));
            }
        }
    }
    lines
}

/// Writes the file now, and again whenever the world's DNS changes.
///
/// # Errors
/// It cannot be written.
pub(super) fn follow(world: &World, file: &Path) -> io::Result<()> {
    let text = |world: &World| -> String {
        names(&world.state()).iter().map(|(name, address)| format!("{address} {name}\n")).collect()
    };
    let mut written = text(world);
    replace(file, &written)?;
    let (watched, file) = (world.clone(), file.to_owned());
    world.executor().spawn(async move {
        loop {
            watched.sleep(BEAT).await;
            let now = text(&watched);
            // What cannot be written now is tried again with the next beat.
            if now != written && replace(&file, &now).is_ok() {
                written = now;
            }
        }
    });
    Ok(())
}

fn replace(file: &Path, text: &str) -> io::Result<()> {
    let new = file.with_extension("new");
    std::fs::write(&new, text)?;
    std::fs::rename(new, file)
}

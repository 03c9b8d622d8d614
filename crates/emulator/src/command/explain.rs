//! What `--explain` prints: each behaviour, and where it is known from.

use std::io::{self, Write};

use clerk_actor_tokens_emulator::{Known, behaviours};

pub(crate) fn print(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "What the emulator does, and where that is known from.")?;
    for kind in Known::ALL {
        writeln!(out, "\n{kind}")?;
        for behaviour in behaviours().iter().filter(|behaviour| behaviour.known() == kind) {
            writeln!(out, "  - {}", behaviour.what())?;
            writeln!(out, "    {}", behaviour.source())?;
            if let Some(setting) = behaviour.setting() {
                writeln!(out, "    setting: {setting}, on the command line --{}", setting.replace('_', "-"))?;
            }
        }
    }
    out.flush()
}

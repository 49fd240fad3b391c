//! Ctrl-C and SIGTERM: the first asks a run to stop and clean up, the second ends the process at once.

use tokio::sync::watch;

use crate::exit::Exit;
use crate::printer::Printer;

/// Turns true with the first signal.
pub(crate) fn stop(printer: Printer) -> std::io::Result<watch::Receiver<bool>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (sender, receiver) = watch::channel(false);
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        for times in 1.. {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if times > 1 {
                std::process::exit(Exit::Interrupted.code().into());
            }
            printer.note("stopping, and removing what was created; once more to stop at once");
            // Whoever listened may be done already.
            let _ = sender.send(true);
        }
    });
    Ok(receiver)
}

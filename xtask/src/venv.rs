//! The Python environment of the live Twisted tests.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::workspace::Workspace;
use crate::{interpreter, step};

/// Makes the environment unless it is there already, and gives its interpreter.
///
/// Several processes may ask at once (tests of several packages): one makes it, the others wait.
pub(crate) fn ready(workspace: &Workspace) -> Result<PathBuf, Failure> {
    let requirements = workspace.requirements();
    let wanted = fs::read(&requirements).map_err(|error| cannot("read", &requirements, &error))?;

    fs::create_dir_all(workspace.target())
        .map_err(|error| cannot("make", workspace.target(), &error))?;
    let lock_file = workspace.target().join("interop-venv.lock");
    let lock = File::create(&lock_file).map_err(|error| cannot("make", &lock_file, &error))?;
    lock.lock()
        .map_err(|error| cannot("lock", &lock_file, &error))?;

    let environment = Environment {
        folder: workspace.target().join("interop-venv"),
    };
    if environment.holds(&wanted) {
        eprintln!(
            "xtask: the Python environment {} is ready",
            environment.folder.display()
        );
    } else {
        environment.make(&requirements, &wanted)?;
    }
    Ok(environment.python())
}

struct Environment {
    folder: PathBuf,
}

impl Environment {
    fn python(&self) -> PathBuf {
        if cfg!(windows) {
            self.folder.join("Scripts").join("python.exe")
        } else {
            self.folder.join("bin").join("python")
        }
    }

    /// A copy of the requirements this environment was made from, written when all is installed.
    fn record(&self) -> PathBuf {
        self.folder.join("requirements.installed")
    }

    fn holds(&self, wanted: &[u8]) -> bool {
        fs::read(self.record()).is_ok_and(|installed| installed == wanted)
            && interpreter::Version::of(self.python()).is_some()
    }

    fn make(&self, requirements: &Path, wanted: &[u8]) -> Result<(), Failure> {
        eprintln!(
            "xtask: making a Python environment for the live Twisted tests in {}",
            self.folder.display()
        );
        let base = interpreter::find()?;
        step::run(
            Command::new(base)
                .args(["-m", "venv", "--clear"])
                .arg(&self.folder),
            "Python's module `venv` is needed (on Debian and Ubuntu: package python3-venv)",
        )?;
        step::run(
            Command::new(self.python())
                .args([
                    "-m",
                    "pip",
                    "install",
                    "--disable-pip-version-check",
                    "--quiet",
                    "-r",
                ])
                .arg(requirements),
            "pip needs the network, or another source of packages named in PIP_INDEX_URL or \
             PIP_FIND_LINKS",
        )?;
        step::run(
            Command::new(self.python()).args([
                "-c",
                "import twisted.protocols.amp, twisted.internet.ssl, service_identity",
            ]),
            "The packages are installed but do not work together",
        )?;
        fs::write(self.record(), wanted).map_err(|error| cannot("write", &self.record(), &error))
    }
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot {what} {}: {error}", path.display()))
}

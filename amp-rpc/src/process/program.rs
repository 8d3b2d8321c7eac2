//! What to start.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};
use rustix::io::fcntl_dupfd_cloexec;
use tokio::net::UnixStream;
use tokio::net::unix::pipe;

use super::channel::Channel;
use super::child::Child;
use super::reaper::Reaper;
use super::stream::ProgramStream;
use crate::descriptors::CarryingStream;
use crate::transport::{Address, Addresses, Side, Transport};

/// How long a program may take to end once its connection is closed.
pub(crate) const DEFAULT_GRACE: Duration = Duration::from_secs(5);

/// A program to start and to speak AMP with; see [`Amp::spawn`](crate::Amp::spawn).
///
/// What is not set here is as this process has it. Of this process's descriptors the program gets
/// standard output and standard error, unless they carry AMP or are set to something else, and those
/// that are not marked as close-on-exec, which Rust does for every one that it opens.
///
/// ```
/// use amp_rpc::ConnectEndpoint;
/// use amp_rpc::process::Program;
///
/// let program = Program::new("worker").arg("--fast").descriptors(3, 4);
/// let endpoint = ConnectEndpoint::process(program);
/// assert_eq!(endpoint.to_string(), "process:worker:--fast:descriptors=3,4");
/// assert_eq!(endpoint, "process:worker:--fast:descriptors=3,4".parse()?);
/// # Ok::<(), amp_rpc::EndpointError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<OsString>,
    pub(crate) env: BTreeMap<OsString, OsString>,
    pub(crate) env_clear: bool,
    pub(crate) directory: Option<PathBuf>,
    /// What the program reads from, and what it writes to.
    pub(crate) descriptors: (RawFd, RawFd),
    pub(crate) stdout: Output,
    pub(crate) stderr: Output,
    pub(crate) grace: Duration,
}

/// Where a program writes what is not AMP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Output {
    /// Where this process writes.
    #[default]
    Inherit,
    /// Nowhere.
    Null,
    /// Into a pipe, whose other end is in the [`Child`]. Where there is no `Child`, because the program
    /// was started with [`Amp::connect`](crate::Amp::connect), it is read and dropped.
    Piped,
}

impl Output {
    fn stdio(self) -> Stdio {
        match self {
            Self::Inherit => Stdio::inherit(),
            Self::Null => Stdio::null(),
            Self::Piped => Stdio::piped(),
        }
    }
}

impl Program {
    /// A program that reads AMP from its standard input and writes it to its standard output. A name
    /// without a slash is looked for in the directories of `PATH`, which may be set with
    /// [`env`](Self::env).
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: BTreeMap::new(),
            env_clear: false,
            directory: None,
            descriptors: (0, 1),
            stdout: Output::Inherit,
            stderr: Output::Inherit,
            grace: DEFAULT_GRACE,
        }
    }

    /// Adds an argument. No shell reads it.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item: Into<OsString>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable in the program's environment.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Gives the program nothing of this process's environment, only what [`env`](Self::env) sets,
    /// before this or after it. As in Twisted, where it is the default.
    #[must_use]
    pub fn env_clear(mut self) -> Self {
        self.env_clear = true;
        self
    }

    /// Sets the directory that the program starts in.
    #[must_use]
    pub fn current_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Sets which descriptor the program reads AMP from, and which one it writes AMP to. Default: 0 and
    /// 1, its standard input and output. Twisted's trial workers and the children of ampoule have 3
    /// and 4.
    ///
    /// They are pipes. When both are the same number, it is one end of a Unix socket.
    #[must_use]
    pub fn descriptors(mut self, reads: RawFd, writes: RawFd) -> Self {
        self.descriptors = (reads, writes);
        self
    }

    /// Sets what the program's standard output is when it carries no AMP. Default: this process's.
    #[must_use]
    pub fn stdout(mut self, output: Output) -> Self {
        self.stdout = output;
        self
    }

    /// Sets what the program's standard error is when it carries no AMP. Default: this process's.
    #[must_use]
    pub fn stderr(mut self, output: Output) -> Self {
        self.stderr = output;
        self
    }

    /// Sets how long the program may take to end once its connection is closed, before it is killed.
    /// Default: 5 seconds.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Starts the program.
    pub(crate) fn start(&self) -> io::Result<(Transport, Child)> {
        let (channel, mappings) = self.channel()?;
        // When the program cannot be executed, the forked process reports that through a pipe of the
        // standard library's, whose number is the lowest one that is free. It must be none of those
        // that the program gets, or the report would be lost.
        let mut taken = Vec::new();
        for mapping in &mappings {
            let placeholder = fcntl_dupfd_cloexec(&mapping.parent_fd, mapping.child_fd.max(0))?;
            taken.push(placeholder);
        }
        let mut command = self.command();
        command
            .fd_mappings(mappings)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let mut command = tokio::process::Command::from(command);
        // Should the runtime be shut down, nobody would be there to kill it later.
        command.kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| self.explain(error))?;
        // The command and the placeholders hold the program's ends of the pipes.
        drop((command, taken));
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let reaper = Reaper::start(&self.program, child, self.grace)?;
        let addresses = Addresses {
            local: None,
            remote: Some(Address::Process {
                program: self.program.clone(),
                pid: reaper.pid(),
            }),
        };
        let descriptors = channel.descriptors();
        let stream = ProgramStream::new(channel, reaper.clone());
        let mut transport = Transport::new(stream, addresses, Side::Connecting);
        transport.descriptors = descriptors;
        Ok((transport, Child::new(reaper, stdout, stderr)))
    }

    /// This side's ends, and those that the program gets.
    fn channel(&self) -> io::Result<(Channel, Vec<FdMapping>)> {
        let mapping = |parent_fd, child_fd| FdMapping {
            parent_fd,
            child_fd,
        };
        let (reads, writes) = self.descriptors;
        if reads == writes {
            let (ours, theirs) = UnixStream::pair()?;
            let theirs = theirs.into_std()?;
            theirs.set_nonblocking(false)?;
            return Ok((
                Channel::Socket(CarryingStream::new(ours)),
                vec![mapping(OwnedFd::from(theirs), reads)],
            ));
        }
        let (ours_out, theirs_in) = pipe::pipe()?;
        let (theirs_out, ours_in) = pipe::pipe()?;
        let mappings = vec![
            mapping(theirs_in.into_blocking_fd()?, reads),
            mapping(theirs_out.into_blocking_fd()?, writes),
        ];
        Ok((
            Channel::Pipes {
                reading: ours_in,
                writing: Some(ours_out),
            },
            mappings,
        ))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args);
        if self.env_clear {
            command.env_clear();
        }
        command.envs(&self.env);
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        // What carries AMP is put in place later, over these.
        let carries =
            |descriptor| self.descriptors.0 == descriptor || self.descriptors.1 == descriptor;
        let output = |descriptor, output: Output| {
            if carries(descriptor) {
                return Stdio::null();
            }
            output.stdio()
        };
        command.stdin(Stdio::null());
        command.stdout(output(1, self.stdout));
        command.stderr(output(2, self.stderr));
        command
    }

    /// The system says only that there is no such file, and not which one.
    fn explain(&self, error: io::Error) -> io::Error {
        let directory = self.directory.as_deref();
        let what = match directory.filter(|directory| !directory.is_dir()) {
            Some(directory) => directory.display(),
            None => self.program.display(),
        };
        io::Error::new(error.kind(), format!("{what}: {error}"))
    }
}

//! Calls to the daemon. Nothing here starts one; see `daemon`.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use contract::completion_service_client::CompletionServiceClient;
use contract::daemon_service_client::DaemonServiceClient;
use contract::job_service_client::JobServiceClient;
use contract::{BeginJobRequest, BeginJobResponse, HelloRequest, RunRecord};
use hyper_util::rt::TokioIo;
use nix::unistd::geteuid;
use tokio::net::UnixStream;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Code, Request, Status};
use tower::service_fn;

use crate::failure::Failure;
use crate::runtime_dir::RuntimeDir;
use crate::skew::{Age, NEWEST, OLDEST, Outdated, Replacement, judge, too_new};

/// A daemon that does not answer within this time does not keep the command from starting.
const BEGIN_PATIENCE: Duration = Duration::from_secs(2);
/// A daemon that does not even greet is not waited for.
const HELLO_PATIENCE: Duration = Duration::from_secs(5);

/// Puts the token on every call.
#[derive(Clone, Debug)]
pub struct WithToken(MetadataValue<Ascii>);

impl tonic::service::Interceptor for WithToken {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("roar-token", self.0.clone());
        Ok(request)
    }
}

type Service = InterceptedService<Channel, WithToken>;

/// A daemon that has greeted.
pub struct Connected {
    pub jobs: JobServiceClient<Service>,
    pub completion: CompletionServiceClient<Service>,
    pub peer: Option<Peer>,
    /// It is older than this program.
    pub outdated: Option<Outdated>,
}

/// The daemon itself.
pub type Itself = DaemonServiceClient<Service>;

/// The process behind the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(i32);

/// Why there is no daemon to talk to.
#[derive(Debug)]
pub enum ConnectError {
    /// None is there, or it is older and has been asked to end: a new one may be started.
    Absent(String),
    /// Something is there that must not, or cannot, be talked to.
    Unusable(Failure),
}

/// The plan for a run, and whose it is.
pub struct Answer {
    pub plan: BeginJobResponse,
    /// None: it is to make room at the end of the run.
    pub daemon: Option<Peer>,
}

/// What the daemon says about a run that is to start.
pub enum Begun {
    /// It may.
    Planned(Answer),
    /// There is no daemon: one may be started.
    NoDaemon,
    /// It may, but the daemon does not do its part.
    Silent,
    /// It must not: the user has something to mend first.
    Refused(Failure),
}

/// Runs a future to its end on this thread. May be called again and again; leaves no thread and no descriptor.
pub fn block_on<T>(work: impl Future<Output = T>) -> io::Result<T> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work))
}

/// Announces a run. An older daemon that is understood plans it all the same: the command is not to wait for a new one.
pub async fn begin(place: &RuntimeDir, record: &RunRecord, replacement: &Replacement) -> Begun {
    let work = async {
        let Connected { mut jobs, peer, outdated, .. } = match connect(place, None).await {
            Ok(connected) => connected,
            Err(ConnectError::Absent(_)) => return Begun::NoDaemon,
            Err(ConnectError::Unusable(_)) => return Begun::Silent,
        };
        let daemon = if outdated.is_none() { peer } else { None };
        if let Some(outdated) = outdated.filter(|outdated| !outdated.understands) {
            return match replacement.ask(outdated).await {
                Err(ConnectError::Absent(_)) => Begun::NoDaemon,
                _ => Begun::Silent,
            };
        }
        match jobs.begin_job(BeginJobRequest { record: Some(record.clone()) }).await {
            Ok(response) => Begun::Planned(Answer { plan: response.into_inner(), daemon }),
            Err(status) if asks_for_repair(&status) => Begun::Refused(Failure::of_status(&status)),
            Err(_) => Begun::Silent,
        }
    };
    tokio::time::timeout(BEGIN_PATIENCE, work).await.unwrap_or(Begun::Silent)
}

/// Whether an answer says that the project is not fit for any run, and not that the daemon or the disk is, or that another
/// daemon has the project open: that one records the run.
fn asks_for_repair(status: &Status) -> bool {
    matches!(status.code(), Code::NotFound | Code::FailedPrecondition | Code::InvalidArgument)
        && Failure::of_status(status).reason != "project-in-use"
}

/// Connects, and greets unless `known` is the process that answers: it has been greeted before.
pub async fn connect(place: &RuntimeDir, known: Option<Peer>) -> Result<Connected, ConnectError> {
    let (channel, peer) = open_channel(place.socket()).await?;
    // Read after the connection is there: a daemon writes its token before it listens.
    let token = place.token().map_err(|error| ConnectError::Absent(format!("cannot read the token: {error}")))?;
    let token = token.parse().map_err(|_| ConnectError::Absent("the token is no word".into()))?;
    let service = InterceptedService::new(channel, WithToken(token));
    let outdated = match peer.is_some() && peer == known {
        true => None,
        false => greet(DaemonServiceClient::new(service.clone())).await?,
    };
    let completion = CompletionServiceClient::new(service.clone());
    Ok(Connected { jobs: JobServiceClient::new(service), completion, peer, outdated })
}

async fn open_channel(socket: PathBuf) -> Result<(Channel, Option<Peer>), ConnectError> {
    let stream = UnixStream::connect(&socket)
        .await
        .map_err(|error| ConnectError::Absent(format!("`{}`: {error}", socket.display())))?;
    let peer = check_peer(&stream, &socket)?;
    let mut stream = Some(TokioIo::new(stream));
    // The address is never looked up: the one connection is there already, and is not made anew when it breaks.
    let connector = service_fn(move |_: Uri| {
        let stream = stream.take().ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected));
        std::future::ready(stream)
    });
    let connected = Endpoint::from_static("http://localhost").connect_with_connector(connector).await;
    match connected {
        Ok(channel) => Ok((channel, peer)),
        Err(error) => Err(ConnectError::Absent(format!("`{}`: {error}", socket.display()))),
    }
}

/// The directory is private, so only a mistake, or an attack, puts somebody else behind the socket.
fn check_peer(stream: &UnixStream, socket: &Path) -> Result<Option<Peer>, ConnectError> {
    match stream.peer_cred() {
        Ok(peer) if peer.uid() == geteuid().as_raw() => Ok(peer.pid().map(Peer)),
        Ok(peer) => Err(ConnectError::Unusable(
            Failure::new("foreign-daemon", format!("the daemon behind `{}` is another user's", socket.display()))
                .cause(format!("it runs as uid {}", peer.uid()))
                .hint("remove the socket"),
        )),
        Err(error) => Err(ConnectError::Absent(format!("`{}`: {error}", socket.display()))),
    }
}

/// Learns which version the daemon is. Errors: it is newer, and speaks no protocol of ours any more.
async fn greet(mut daemon: Itself) -> Result<Option<Outdated>, ConnectError> {
    let request =
        HelloRequest { protocol_min: OLDEST, protocol_max: NEWEST, client_version: contract::ROAR_VERSION.to_owned() };
    let hello = match tokio::time::timeout(HELLO_PATIENCE, daemon.hello(request)).await {
        Err(_) => return Err(ConnectError::Unusable(silent())),
        Ok(Err(status)) if is_lost_connection(&status) => return Err(ConnectError::Absent(status.message().into())),
        Ok(Err(status)) => return Err(ConnectError::Unusable(Failure::of_status(&status))),
        Ok(Ok(hello)) => hello.into_inner(),
    };
    match judge(&hello, contract::ROAR_VERSION) {
        Age::Fits => Ok(None),
        Age::Older => Ok(Some(Outdated { daemon, hello, understands: true })),
        Age::TooOld => Ok(Some(Outdated { daemon, hello, understands: false })),
        Age::TooNew => Err(ConnectError::Unusable(too_new(&hello))),
    }
}

fn silent() -> Failure {
    Failure::new("daemon-silent", format!("the daemon did not answer within {} s", HELLO_PATIENCE.as_secs()))
        .hint("`roar daemon status` and `roar daemon logs` may say more")
}

/// What a daemon may answer that another attempt can mend.
const PASSING: [&str; 2] = ["daemon-stopping", "database-busy"];

/// A daemon that ends or is killed; the next one records the run. What the client library itself makes of a broken
/// connection carries no words of the daemon.
pub fn is_lost_connection(status: &Status) -> bool {
    let said_by_daemon = status.metadata().contains_key("roar-error-bin");
    match status.code() {
        Code::Unavailable if said_by_daemon => PASSING.contains(&Failure::of_status(status).reason.as_str()),
        Code::Unavailable | Code::Unknown | Code::Cancelled | Code::Internal => !said_by_daemon,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::ErrorInfo;
    use prost::Message;

    #[test]
    fn only_what_the_daemon_did_not_say_itself_is_a_lost_connection() {
        let mut status = Status::new(Code::Internal, "h2 protocol error");
        assert!(is_lost_connection(&status));
        status.metadata_mut().insert_bin("roar-error-bin", MetadataValue::from_bytes(b""));
        assert!(!is_lost_connection(&status));
        assert!(!is_lost_connection(&Status::new(Code::DataLoss, "")));
    }

    fn said(code: Code, reason: &str) -> Status {
        let info = ErrorInfo { reason: reason.into(), ..ErrorInfo::default() };
        let mut status = Status::new(code, "");
        status.metadata_mut().insert_bin("roar-error-bin", MetadataValue::from_bytes(&info.encode_to_vec()));
        status
    }

    #[test]
    fn a_project_that_wants_mending_keeps_a_command_from_starting_but_not_one_that_is_open_elsewhere() {
        assert!(asks_for_repair(&said(Code::FailedPrecondition, "bad-config")));
        assert!(!asks_for_repair(&said(Code::FailedPrecondition, "project-in-use")));
        assert!(!asks_for_repair(&said(Code::Unavailable, "database-busy")));
    }

    #[test]
    fn a_daemon_that_ends_is_worth_another_attempt_but_not_one_that_says_why_it_cannot() {
        for (reason, lost) in [("daemon-stopping", true), ("database-busy", true), ("project-in-use", false)] {
            assert_eq!(is_lost_connection(&said(Code::Unavailable, reason)), lost, "{reason}");
        }
    }
}

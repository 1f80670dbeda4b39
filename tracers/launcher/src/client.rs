//! Calls to the daemon. Nothing here starts one; see `daemon`.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use contract::daemon_service_client::DaemonServiceClient;
use contract::job_service_client::JobServiceClient;
use contract::{BeginJobRequest, BeginJobResponse, HelloRequest, Protocol, RunRecord, StopDaemonRequest};
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

const OLDEST: u32 = Protocol::Oldest as u32;
/// The same for as long as there is one version: prost leaves out the second name of a number.
const NEWEST: u32 = Protocol::Oldest as u32;

/// A daemon that does not answer within this time does not keep the command from starting.
const BEGIN_PATIENCE: Duration = Duration::from_secs(2);
/// A daemon that does not even greet is not waited for.
const HELLO_PATIENCE: Duration = Duration::from_secs(5);

/// Puts the token on every call.
#[derive(Clone)]
pub struct WithToken(MetadataValue<Ascii>);

impl tonic::service::Interceptor for WithToken {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("roar-token", self.0.clone());
        Ok(request)
    }
}

/// The jobs of a daemon that has greeted.
pub type Jobs = JobServiceClient<InterceptedService<Channel, WithToken>>;

/// The process behind the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(i32);

/// Why there is no daemon to talk to.
#[derive(Debug)]
pub enum ConnectError {
    /// None is there, or it is of an older kind and has been asked to end: a new one may be started.
    Absent(String),
    /// Something is there that must not, or cannot, be talked to.
    Unusable(Failure),
}

/// The plan for a run, and whose it is.
pub struct Answer {
    pub plan: BeginJobResponse,
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

/// Announces a run.
pub async fn begin(place: &RuntimeDir, record: &RunRecord) -> Begun {
    let work = async {
        let (mut jobs, daemon) = match connect(place, None).await {
            Ok(connected) => connected,
            Err(ConnectError::Absent(_)) => return Begun::NoDaemon,
            Err(ConnectError::Unusable(_)) => return Begun::Silent,
        };
        match jobs.begin_job(BeginJobRequest { record: Some(record.clone()) }).await {
            Ok(response) => Begun::Planned(Answer { plan: response.into_inner(), daemon }),
            Err(status) if asks_for_repair(status.code()) => Begun::Refused(Failure::of_status(&status)),
            Err(_) => Begun::Silent,
        }
    };
    tokio::time::timeout(BEGIN_PATIENCE, work).await.unwrap_or(Begun::Silent)
}

/// Whether an answer says that the project is not fit for any run, and not that the daemon or the disk is.
fn asks_for_repair(code: Code) -> bool {
    matches!(code, Code::NotFound | Code::FailedPrecondition | Code::InvalidArgument)
}

/// Connects, and greets unless `known` is the process that answers: it has been greeted before.
pub async fn connect(place: &RuntimeDir, known: Option<Peer>) -> Result<(Jobs, Option<Peer>), ConnectError> {
    let (channel, peer) = open_channel(place.socket()).await?;
    // Read after the connection is there: a daemon writes its token before it listens.
    let token = place.token().map_err(|error| ConnectError::Absent(format!("cannot read the token: {error}")))?;
    let token = token.parse().map_err(|_| ConnectError::Absent("the token is no word".into()))?;
    let service = InterceptedService::new(channel, WithToken(token));
    if peer.is_none() || peer != known {
        greet(DaemonServiceClient::new(service.clone())).await?;
    }
    Ok((JobServiceClient::new(service), peer))
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

/// Learns which protocol the daemon speaks; one that is too old is asked to end, which loses no run.
async fn greet(mut daemon: DaemonServiceClient<InterceptedService<Channel, WithToken>>) -> Result<(), ConnectError> {
    let request =
        HelloRequest { protocol_min: OLDEST, protocol_max: NEWEST, client_version: contract::ROAR_VERSION.to_owned() };
    let hello = match tokio::time::timeout(HELLO_PATIENCE, daemon.hello(request)).await {
        Err(_) => return Err(ConnectError::Unusable(silent())),
        Ok(Err(status)) if status.code() == Code::Unavailable => {
            return Err(ConnectError::Absent(status.message().into()));
        }
        Ok(Err(status)) => return Err(ConnectError::Unusable(Failure::of_status(&status))),
        Ok(Ok(hello)) => hello.into_inner(),
    };
    if hello.protocol_max < OLDEST {
        // Whether it says yes or is gone already: in both cases there is room for a new one.
        let _ = daemon.stop_daemon(StopDaemonRequest {}).await;
        return Err(ConnectError::Absent(format!("roard {} is too old and was asked to end", hello.version)));
    }
    if hello.protocol_min > NEWEST {
        let (theirs, version) = (hello.protocol_min, &hello.version);
        let fact = format!("the daemon speaks protocol {theirs} or newer, this roar {NEWEST}");
        return Err(ConnectError::Unusable(
            Failure::new("daemon-too-new", fact)
                .cause(format!("roard {version}, pid {}, against roar {}", hello.pid, contract::ROAR_VERSION))
                .hint("upgrade roar in this environment"),
        ));
    }
    Ok(())
}

fn silent() -> Failure {
    Failure::new("daemon-silent", format!("the daemon did not answer within {} s", HELLO_PATIENCE.as_secs()))
        .hint("`roar daemon status` and `roar daemon logs` may say more")
}

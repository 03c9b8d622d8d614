//! What can be set on the command line: the server's settings, and the emulator's.

use std::{fs, path::PathBuf, time::Duration};

use clap::{Parser, ValueEnum};
use clerk_actor_tokens_core::SecretKey;
use clerk_actor_tokens_emulator::{
    Emulator, EmulatorBuilder, ExtraClaim, QuotaCounted, SecondSession, Server, TicketUsedBy, WrongType,
    fault::QueuedFault,
};

use crate::{
    files,
    request_log::LogFormat,
    values::{application_url, origin, rate, time, whole_seconds},
};

/// Clerk's actor tokens in memory, on a port of this machine, for clients in any language.
#[derive(Parser)]
#[command(version)]
pub(crate) struct Options {
    /// Say where each behaviour is known from, and what is an open question, and end
    #[arg(long)]
    pub(crate) explain: bool,
    /// Ask the server that runs with these settings on this machine whether it serves, and end: with 0 if it does
    #[arg(long, conflicts_with = "no_control")]
    pub(crate) health: bool,

    /// A file of options, which count where neither the command line nor the environment has them: a JSON object, as
    /// {"port": 4010, "user": ["user_1", "user_2"], "tls": true}
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,
    /// Write a line for each request to standard error. It has no key, ticket or body
    #[arg(short, long, help_heading = "Server")]
    verbose: bool,
    /// How such a line is written; with this option it is written without -v as well
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = "Server")]
    log: Option<LogFormat>,

    /// The address to listen on. Any but a loopback address lets others in: every client that reaches it reaches the emulator
    #[arg(long, default_value = "127.0.0.1", help_heading = "Server")]
    pub(crate) host: String,
    /// The port; 0 takes a free one
    #[arg(long, default_value_t = 0, help_heading = "Server")]
    pub(crate) port: u16,
    /// Speak TLS, by a certificate authority made for this run, which is printed below the first line
    #[arg(long, help_heading = "Server")]
    pub(crate) tls: bool,
    /// Write the authority to this file (PEM) instead, for `curl --cacert`
    #[arg(long, value_name = "FILE", requires = "tls", help_heading = "Server")]
    pub(crate) ca_out: Option<PathBuf>,
    /// A further name that the certificate is for; can be given again, or with commas between
    #[arg(long, value_delimiter = ',', value_name = "NAME", requires = "tls", help_heading = "Server")]
    tls_name: Vec<String>,
    /// Speak HTTP/1.1 alone, and no HTTP/2
    #[arg(long, help_heading = "Server")]
    http1_only: bool,
    /// Serve no control plane. Without it, it is at /_emulator/ if the address is a loopback address
    #[arg(long, help_heading = "Server")]
    no_control: bool,
    /// Serve the control plane to requests for this host too, on every address; can be given again, or with commas between
    #[arg(long, value_delimiter = ',', value_name = "HOST", conflicts_with = "no_control", help_heading = "Server")]
    pub(crate) control_host: Vec<String>,
    /// Close a connection that has been idle for so long, as 250ms or 1m
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = "Server")]
    idle_timeout: Option<Duration>,

    /// How many tokens are kept, and how many sessions. Where there are more, the oldest that is over is forgotten, or else
    /// the oldest: its id is answered with 404
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..), help_heading = "Server")]
    keep_tokens: u64,
    /// How many requests are kept, the latest
    #[arg(long, value_name = "N", default_value_t = 1000, help_heading = "Server")]
    keep_requests: usize,

    /// A fault of the next call of its kind, as CALL:TIME:FAULT, such as create:after_commit:stall or
    /// 'session_list:before_commit:status(429).retry_after(2s)'; can be given again, or with semicolons between, for the calls after it. An unknown name
    /// is answered with all that there are
    #[arg(long, value_delimiter = ';', value_name = "CALL:TIME:FAULT", help_heading = "Faults")]
    fault: Vec<QueuedFault>,

    /// The secret key to accept (sk_test_... or sk_live_...)
    // Read by hand: clap would print a malformed one.
    #[arg(long, value_name = "KEY", default_value = "sk_test_emulator", help_heading = "Clerk")]
    secret_key: String,
    /// Where ids come from
    #[arg(long, default_value_t = 0, help_heading = "Clerk")]
    seed: u64,
    /// The host of the sign-in links, which is also the issuer of session tokens: a host, or an origin such as
    /// http://clerk-emulator:4010. Without it, the server is both
    #[arg(long, value_name = "HOST", value_parser = origin, help_heading = "Clerk")]
    frontend_api: Option<String>,
    /// Where the application is, as http://localhost:3000: an opened link redirects to its page /sign-in. Without it, a
    /// link answers which user it signs in
    #[arg(long, value_name = "URL", value_parser = application_url, help_heading = "Clerk")]
    application_url: Option<String>,
    /// The RSA private key (PEM) that tokens are signed with. Without it, a test key that is public
    #[arg(long, value_name = "FILE", help_heading = "Clerk")]
    signing_key: Option<PathBuf>,
    /// The version of session tokens
    #[arg(long, value_name = "VERSION", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=2), help_heading = "Clerk")]
    token_version: u8,
    /// A user that exists; can be given again, or with commas between. Without it, every id is a user
    #[arg(long, value_delimiter = ',', value_name = "ID", help_heading = "Clerk")]
    user: Vec<String>,
    /// A user whose sessions are pending, with an unfinished task; can be given again, or with commas between
    #[arg(long, value_delimiter = ',', value_name = "ID", help_heading = "Clerk")]
    users_with_tasks: Vec<String>,
    /// The plan has no impersonation: creating is answered with 402
    #[arg(long, help_heading = "Clerk")]
    plan_without_impersonation: bool,
    /// How many impersonations the plan has
    #[arg(long, value_name = "N", help_heading = "Clerk")]
    quota: Option<u64>,
    /// At most so many requests in such a time, as 100/10s
    #[arg(long, value_name = "N/TIME", value_parser = rate, help_heading = "Clerk")]
    rate_limit: Option<(u32, Duration)>,

    /// Which event counts against the quota
    #[arg(long, value_enum, default_value = "create", help_heading = "Open at Clerk")]
    quota_counted: Counted,
    /// Keys that begin with sk_test_ have no quota
    #[arg(long, help_heading = "Open at Clerk")]
    quota_exempts_development: bool,
    /// Take an empty actor.sub
    #[arg(long, help_heading = "Open at Clerk")]
    allow_empty_sub: bool,
    /// Refuse a user as their own actor
    #[arg(long, help_heading = "Open at Clerk")]
    refuse_self_impersonation: bool,
    /// The longest lifetime of a token, as 1h
    #[arg(long, value_name = "TIME", value_parser = whole_seconds, help_heading = "Open at Clerk")]
    max_expires_in: Option<Duration>,
    /// The longest duration of a session, as 30m
    #[arg(long, value_name = "TIME", value_parser = whole_seconds, help_heading = "Open at Clerk")]
    max_session_duration: Option<Duration>,
    /// What a duration of the wrong type is answered with: 422 or 400
    #[arg(long, value_enum, default_value = "param-invalid", help_heading = "Open at Clerk")]
    wrong_type: Wrong,
    /// Answer a revoke without token and url
    #[arg(long, help_heading = "Open at Clerk")]
    revoke_without_link: bool,
    /// Leave updated_at as it was on a revoke
    #[arg(long, help_heading = "Open at Clerk")]
    revoke_keeps_updated_at: bool,
    /// Leave all keys but sub out of the actor of sessions
    #[arg(long, help_heading = "Open at Clerk")]
    sessions_drop_actor_keys: bool,
    /// The status that answers the revocation of a session that is over
    #[arg(long, value_name = "STATUS", default_value = "400", value_parser = ["200", "400", "404"], help_heading = "Open at Clerk")]
    revoke_over_session: String,
    /// Take status=pending in a list of sessions
    #[arg(long, help_heading = "Open at Clerk")]
    accept_pending_filter: bool,
    /// How long a session that is over stays in lists, as 10m. Without it, always
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = "Open at Clerk")]
    keep_over_sessions: Option<Duration>,
    /// How long it takes until a new session is in lists, as 2s
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = time, help_heading = "Open at Clerk")]
    list_delay: Duration,
    /// The status of a session after ten minutes of inactivity
    #[arg(
        long,
        value_name = "STATUS",
        default_value = "expired",
        value_parser = ["abandoned", "ended", "expired", "removed", "replaced", "revoked"],
        help_heading = "Open at Clerk"
    )]
    inactive_as: String,
    /// Where the session of a user's second token goes: beside that of the first, or in its place
    #[arg(long, value_enum, default_value = "beside", help_heading = "Open at Clerk")]
    second_session: Second,
    /// Which step of opening a link uses its ticket up: GET of the link, or the POST that signs in
    #[arg(long, value_enum, default_value = "post", help_heading = "Open at Clerk")]
    ticket_used_by: UsedBy,
    /// A claim that session tokens have besides; can be given again, or with commas between
    #[arg(long, value_delimiter = ',', value_enum, value_name = "CLAIM", help_heading = "Open at Clerk")]
    add_claims: Vec<Claim>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum UsedBy {
    Get,
    Post,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Claim {
    Jti,
    #[value(name = "act.iss")]
    ActIss,
    #[value(name = "act.sid")]
    ActSid,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Second {
    Beside,
    Replaces,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Counted {
    Create,
    Accept,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Wrong {
    ParamInvalid,
    BodyInvalid,
}

impl Options {
    /// The emulator with its settings and its faults.
    pub(crate) fn emulator(&self) -> Result<Emulator, String> {
        let key = SecretKey::new(self.secret_key.as_str()).map_err(|error| format!("--secret-key: {error}"))?;
        let counted = match self.quota_counted {
            Counted::Create => QuotaCounted::AtCreate,
            Counted::Accept => QuotaCounted::AtAccept,
        };
        let wrong_type = match self.wrong_type {
            Wrong::ParamInvalid => WrongType::ParamInvalid,
            Wrong::BodyInvalid => WrongType::BodyInvalid,
        };
        let mut builder = Emulator::builder().real_time().secret_key(key).seed(self.seed);
        builder = builder.quota_counted(counted).wrong_type(wrong_type);
        let second = match self.second_session {
            Second::Beside => SecondSession::Beside,
            Second::Replaces => SecondSession::Replaces,
        };
        let over = self.revoke_over_session.parse().map_err(|error| format!("--revoke-over-session: {error}"))?;
        builder = builder.second_session(second).revoke_over_session(over).inactive_as(&self.inactive_as);
        builder = builder.users_with_tasks(&self.users_with_tasks).list_delay(self.list_delay);
        builder = self.tokens(builder)?;
        if let Some(time) = self.keep_over_sessions {
            builder = builder.keep_over_sessions(time);
        }
        if let Some(host) = &self.frontend_api {
            builder = builder.frontend_api(host);
        }
        if !self.user.is_empty() {
            builder = builder.users(&self.user);
        }
        if let Some(limit) = self.quota {
            builder = builder.quota(limit);
        }
        if let Some((requests, per)) = self.rate_limit {
            builder = builder.rate_limit(requests, per);
        }
        if let Some(time) = self.max_expires_in {
            builder = builder.max_expires_in(time);
        }
        if let Some(time) = self.max_session_duration {
            builder = builder.max_session_duration(time);
        }
        for (is_set, set) in [
            (self.plan_without_impersonation, EmulatorBuilder::plan_without_impersonation as fn(_) -> _),
            (self.quota_exempts_development, EmulatorBuilder::quota_exempts_development),
            (self.allow_empty_sub, EmulatorBuilder::allow_empty_sub),
            (self.refuse_self_impersonation, EmulatorBuilder::refuse_self_impersonation),
            (self.revoke_without_link, EmulatorBuilder::revoke_without_link),
            (self.revoke_keeps_updated_at, EmulatorBuilder::revoke_keeps_updated_at),
            (self.sessions_drop_actor_keys, EmulatorBuilder::sessions_drop_actor_keys),
            (self.accept_pending_filter, EmulatorBuilder::accept_pending_filter),
        ] {
            builder = if is_set { set(builder) } else { builder };
        }
        let most_tokens = usize::try_from(self.keep_tokens).unwrap_or(usize::MAX);
        builder = builder.keep_requests(self.keep_requests).keep_tokens(most_tokens);
        if let Some(format) = self.log.or(self.verbose.then_some(LogFormat::Text)) {
            builder = builder.on_request(move |request| say!("{}", format.line(request)));
        }
        let emulator = builder.build();
        self.fault.iter().for_each(|queued| queued.queue(&emulator));
        Ok(emulator)
    }

    /// Takes the users and the faults into an emulator that runs.
    pub(crate) fn reload(&self, emulator: &Emulator) {
        if self.user.is_empty() {
            emulator.allow_any_user()
        } else {
            emulator.set_users(&self.user)
        }
        self.fault.iter().for_each(|queued| queued.queue(emulator));
    }

    /// What is signed, and how.
    fn tokens(&self, mut builder: EmulatorBuilder) -> Result<EmulatorBuilder, String> {
        let used_by = match self.ticket_used_by {
            UsedBy::Get => TicketUsedBy::Get,
            UsedBy::Post => TicketUsedBy::Post,
        };
        let claims = self.add_claims.iter().map(|claim| match claim {
            Claim::Jti => ExtraClaim::Jti,
            Claim::ActIss => ExtraClaim::ActIss,
            Claim::ActSid => ExtraClaim::ActSid,
        });
        builder = builder.ticket_used_by(used_by).token_version(self.token_version).add_claims(claims);
        if let Some(url) = &self.application_url {
            let set = builder.try_application_url(url);
            builder = set.map_err(|error| format!("--application-url: {error}"))?;
        }
        let Some(file) = &self.signing_key else { return Ok(builder) };
        let pem = fs::read_to_string(file).map_err(|error| files::unusable("signing-key", file, &error))?;
        builder.signing_key_pem(&pem).map_err(|error| files::wrong("signing-key", file, &error))
    }

    /// The server with its settings.
    pub(crate) fn server(&self, emulator: &Emulator) -> Server {
        let mut server = emulator.server().host(&self.host).port(self.port);
        if self.tls {
            server = self.tls_name.iter().fold(server.tls(), Server::tls_name);
        }
        if self.http1_only {
            server = server.http1_only();
        }
        if self.no_control {
            server = server.without_control();
        }
        server = self.control_host.iter().fold(server, Server::control_host);
        match self.idle_timeout {
            Some(time) => server.idle_timeout(time),
            None => server,
        }
    }
}

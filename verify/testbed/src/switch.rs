//! What can be wrong with the API, and what only looks as if it were.

/// A flaw, a broken control, or a harmless habit. Without any, the API is sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Switch {
    // ── flaws of the API ──
    /// The tenant in the path, or in the header that locates it, is believed, whoever asks.
    PathBelieved,
    /// The same where one case is read, and nowhere else.
    PathBelievedWhenReading,
    /// The first `X-Tenant-Id` says which tenant it is.
    HeaderBelieved,
    /// Of several `X-Tenant-Id` the last says which tenant it is.
    LastHeaderBelieved,
    /// An `X-Tenant-Id` adds everyone's cases to a list.
    HeaderWidens,
    /// `tenantId` in the query says which tenant it is.
    QueryBelieved,
    /// Reads find an object by its id, whoever's it is.
    ReadByIdAlone,
    /// Updates find an object by its id, whoever's it is.
    UpdateByIdAlone,
    /// Deletes find an object by its id, whoever's it is.
    DeleteByIdAlone,
    /// A case is closed by its id, whoever's it is.
    CloseByIdAlone,
    /// All cases are archived, whoever's they are.
    ArchivesAll,
    /// `tenantId` in the body of a create says where it goes.
    BodyTenantHonoured,
    /// `tenantId` in the body of an update moves the object.
    UpdateMoves,
    /// Lists show everyone's.
    ListAll,
    /// Lists show everyone's from the second page on.
    SecondPageAll,
    /// Search finds everyone's.
    SearchAll,
    /// Search counts everyone's.
    SearchTotalAll,
    /// The count counts everyone's.
    CountAll,
    /// Objects in a list say that they are another tenant's.
    FieldOfAnother,
    /// A cache before it all keeps what is read by path and query alone, until something is written.
    EdgeCache,
    /// The count is kept for a moment, by path and query alone, whatever is written.
    CountKeptAWhile,
    /// Who creates under a reference that another tenant has is given that tenant's case.
    UniqueReplays,
    /// And writes into it.
    UniqueTakesOver,
    /// Summaries are cached by the id of the case alone.
    CacheWithoutTenant,
    /// A credential that names no tenant is the first tenant's.
    NamelessIsFirst,
    /// A request that names no tenant is the first tenant's.
    MissingIsFirst,
    /// A tenant that does not exist is the caller's own.
    UnknownIsOwn,
    /// The tenant in the path is compared as written, and looked up in lower case.
    CaseFolded,
    /// What a suspended tenant proves itself with is not known any more.
    SuspendedUnknown,
    /// A suspended tenant is served as before.
    SuspendedServed,
    /// A suspended tenant is served with tokens that it gets afterwards.
    NewTokensServed,
    /// A read-only tenant is written to as before.
    ReadOnlyWritten,
    /// What is there already may be changed in a read-only tenant.
    ReadOnlyChanged,
    /// Who is suspended takes all others along.
    SuspendsAll,
    /// A task is created below any case, whoever's it is.
    ChildOfAnyParent,
    /// A task is found by the id of the case above it, whoever's it is.
    FoundByParentAlone,
    /// Tasks are listed by the id of the case above them: the caller's own case first, else anyone's.
    ChildrenByParentAlone,
    /// Whoever first asks for the tasks of a case that is another's is answered as if it had one of that id itself, as it may
    /// have for a moment.
    OwnParentForAMoment,
    /// What is another's is 403, what does not exist 404.
    ForeignForbidden,
    /// A denial carries the record.
    DenialCarriesRecord,
    /// A redirect to the login page carries the record.
    RedirectCarriesRecord,
    /// A denied delete deletes.
    DeletesAndDenies,
    /// The first denied delete deletes, and no other.
    DeletesAndDeniesOnce,
    /// The answer to a delete shows everyone's objects.
    DeleteShowsAll,
    /// A header of every list holds the number of south's badge.
    BadgeInHeader,
    /// References of cases are unique for all tenants together.
    UniqueEverywhere,
    /// Where an object of a tenant's own was removed, it is shown another tenant's from then on.
    RemovedShowsAnother,
    /// A tenant's settings say that they are another's.
    SettingsOfAnother,
    /// A tenant's settings show everyone's keys.
    SettingsShowKeys,
    // ── flaws of tokens ──
    /// This claim of every token is this JSON, in which `{tenant}` is the tenant's id.
    Claim(&'static str, &'static str),
    /// The answer of the token endpoint says this scope.
    AnswerScope(&'static str),
    /// Tokens are no JWTs, whatever the spec says.
    OpaqueTokens,
    /// Any scope is granted.
    AnyScope,
    /// Any secret opens any client.
    AnySecret,
    /// Tokens are signed by a key that no one publishes.
    SignedByAnother,
    /// `whoami` names this tenant.
    WhoAmI(&'static str),
    /// Tokens that are forged so are taken for genuine.
    Accepts(Forgeable),
    /// …but only if the client in the token belongs to the tenant in it.
    ClientMustFit,
    /// Any tenant's issuer vouches for any tenant.
    IssuerBelieved,
    /// `exp` is not looked at.
    ExpiryIgnored,
    /// `aud` is not looked at.
    AudienceIgnored,
    /// Keys are fetched from where a token says, though the token is then refused.
    KeysFetched,
    /// A forged token gets a success without data.
    ForgedGetsNothing,
    /// The denial of a forged token carries the records.
    ForgedGetsRecords,
    // ── broken controls ──
    /// The operator is refused.
    ActsRefused,
    /// The operator's undoing is accepted, and nothing comes of it.
    NotResumed,
    /// South's objects are gone once set-up is over.
    VictimMissing,
    /// South's credentials are worth nothing after a while, and no new token is granted.
    VictimRevoked,
    /// North's credentials are worth nothing.
    AttackerDead,
    /// A create answers 201 and keeps nothing.
    KeepsNothing,
    /// What is written loses its text.
    CanaryStripped,
    /// A request that crosses is answered with 429.
    AcrossThrottled,
    /// A request that crosses is answered with 500.
    AcrossFails,
    /// A request that crosses is redirected to a login page.
    AcrossRedirected,
    /// A request that crosses is answered with an empty 200.
    AcrossEmpty,
    /// Whoever has no good credential gets a success without data.
    EmptyForAll,
    /// Search finds nothing of what was planted.
    SearchNever,
    /// The next page is named in a way that no one reads.
    NextUnreadable,
    /// The next page is not named.
    NextUnsaid,
    /// The second page of a list breaks off in the middle.
    SecondPageBroken,
    /// Every page of a list has so many bytes more than it needs.
    Padded(usize),
    /// Updates are refused for their form.
    UpdatesRefused,
    // ── harmless habits ──
    /// The tenant in the path is not looked at.
    PathIgnored,
    /// A denial repeats the path.
    DenialEchoes,
    /// Search finds an object only after half of `settle`.
    SearchLags,
    /// Search counts what is like the words, of the tenant's own.
    FuzzySearch,
    /// A new case is `pending` for half of `settle`.
    ActivatesLater,
    /// After a write that crosses, the next read of that object finds nothing.
    ReplicaLags,
    /// A link may be made to any tenant's case.
    LinkToAny,
    /// A link may be made to whatever id.
    LinkToNothing,
    /// What a request names beside a link of the caller's own may be any tenant's case.
    BesideAny,
    /// A link stays with its case, whatever an update names.
    LinksStay,
    /// A case may be attached to any tenant's note, which says so.
    AttachToAny,
    /// A case may be attached to any tenant's note, of which nothing is seen there.
    AttachUnseen,
    /// A task is created below any id of the right form.
    AnyParentOfForm,
    /// The second page of a list has everyone's, the first time that a tenant asks for one.
    SecondPageAllOnce,
    /// Lists have two on a page, and what would be on a further page is passed over once, as if another had been removed meanwhile.
    PagesMove,
    /// A filter by a case stands in place of the tenant.
    FilterReplacesScope,
    /// The export has everyone's cases.
    ExportAll,
    /// The count is kept for each tenant by path and query, whatever is written.
    CountKeptForEach,
    /// A list says how many cases there are: the tenant's own.
    ListCounts,
    /// And counts everyone's.
    ListCountsAll,
    /// One more of south's users works in north's office.
    OfficeShared,
    /// What everyone reads changes now and then.
    SchemaTicks,
    /// Ids say whose they are, so that no two tenants have the same.
    IdsOfTenant,
    /// They begin with the tenant's name, and count after it.
    IdsBeginWithTenant,
    /// What is put where the tenant has nothing is made there.
    PutMakesOne,
    /// A list of a tenant fails while another tenant's object says that it is that tenant's.
    ForeignBreaksLists,
    /// And says so within a success, as GraphQL does.
    BrokenListsSucceed,
    /// North has so many cases from before any run, with the ids that other tenants' cases get.
    NorthAhead(usize),
    /// North's first case of those has tasks from before any run: not at the first ids that other tenants' get, at later ones.
    NorthTasksLater,
    /// Cases from before any run can't be read: the server fails.
    EarlierUnreadable,
    /// South's cases have ids that no other tenant's have.
    SouthApart,
    /// An update of a tenant's own case changes all cases of that id.
    UpdatesAllOfThatId,
    /// The first page of a list is empty, and all is on the second.
    FirstPageEmpty,
    /// The validator (`ETag`) of every list is a number that is also that of south's badge.
    BadgeInValidator,
    /// The next page is named by its whole path.
    LinksFromRoot,
    /// The next page is named by its path below the URL of the tenant.
    LinksFromBase,
    /// Every answer names the server that it comes from, in this way.
    ServedBy(&'static str),
    /// What is not there, and what is another's, is answered with a success: `{ "item": null }`.
    NothingIsNull,
    /// Every path ends with a slash: one without is redirected there.
    Slashes,
    /// An object keeps any `tenantId` that is written into it, and stays where it is.
    StoresTenantId,
    /// What is not there is forbidden: 403.
    NothingIsForbidden,
    /// No object can be deleted: 403.
    DeletesForbidden,
    /// Tokens live this many seconds instead of 300.
    Lifetime(u32),
    /// Tokens for another API live this many seconds.
    LifetimeElsewhere(u32),
}

/// What may be done to a token that its issuer never made so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Forgeable {
    /// `alg` spelled so, and no signature.
    Unsigned(&'static str),
    /// HS256, keyed with the public key.
    KeyedWithPublicKey,
    /// Other claims under a signature that was made for the genuine ones.
    Altered,
    /// The signature left empty.
    EmptySignature,
    /// Signed by anyone, under a `kid` that no one has.
    UnknownKid,
    /// Signed by the key in its own header.
    EmbeddedKey,
    /// Signed by a key that is fetched from this parameter of its header.
    KeyUrl(&'static str),
    /// With a critical extension that no one knows.
    UnknownCritical,
}

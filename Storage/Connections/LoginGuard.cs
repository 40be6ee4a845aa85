using System.Data.Common;
using System.Globalization;

namespace KafkaOracleOrleans.Storage.Connections;

/// <summary>
/// Keeps a wrong password from locking the account: until a login has worked, one attempt is made at a time, and after
/// a refused one the next comes with another password or after a pause that doubles from a minute to an hour. A lost
/// session or another password makes it careful again: the password may have been changed on the server.
/// </summary>
internal sealed class LoginGuard(string connection, PasswordSource secrets, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);

    private readonly SemaphoreSlim _turn = new(1, 1);
    private volatile Acceptance? _accepted;
    private int _doubts;
    private DatabaseError? _refusal;
    private string? _password;
    private DateTimeOffset _until;
    private TimeSpan _pause = FirstPause;

    /// <summary>Opens a connection, or throws the last refusal again without trying.</summary>
    /// <param name="open">Opens one.</param>
    /// <param name="refusal">The refused login an exception tells of, or null.</param>
    public async Task<DbConnection> OpenAsync(
        Func<CancellationToken, Task<DbConnection>> open, Func<Exception, DatabaseError?> refusal,
        CancellationToken cancellation)
    {
        if (!IsAccepted())
        {
            await _turn.WaitAsync(cancellation).ConfigureAwait(false);
            try
            {
                // Whoever was before may have shown that logins work.
                if (!IsAccepted())
                {
                    ThrowWhilePaused();
                    return await TryAsync(open, refusal, cancellation).ConfigureAwait(false);
                }
            }
            finally
            {
                _turn.Release();
            }
        }

        return await TryAsync(open, refusal, cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// The next login is tried alone again: a session was lost, and with it the proof that the password is right.
    /// </summary>
    public void Doubt()
    {
        Interlocked.Increment(ref _doubts);
        _accepted = null;
    }

    public void Dispose() => _turn.Dispose();

    private bool IsAccepted() => _accepted is { } accepted && accepted.Password == secrets.Read();

    private void ThrowWhilePaused()
    {
        if (_refusal is not { } last || time.GetUtcNow() >= _until || secrets.Read() != _password) return;
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"{last} (not tried again before {_until:HH:mm:ss} UTC or with another password, so that the account is not locked)");
        throw new DatabaseException(connection, last with { Message = text }, DatabasePhase.Open, null);
    }

    private async Task<DbConnection> TryAsync(
        Func<CancellationToken, Task<DbConnection>> open, Func<Exception, DatabaseError?> refusal,
        CancellationToken cancellation)
    {
        var doubts = Volatile.Read(ref _doubts);
        var password = secrets.Read();
        try
        {
            var opened = await open(cancellation).ConfigureAwait(false);
            (_refusal, _pause) = (null, FirstPause);
            // A login that began before the doubt proves nothing.
            if (doubts == Volatile.Read(ref _doubts)) _accepted = new Acceptance(password);
            return opened;
        }
        catch (Exception failure) when (refusal(failure) is { } error)
        {
            _accepted = null;
            _refusal = error;
            _password = secrets.Read();
            _until = time.GetUtcNow() + _pause;
            _pause = _pause * 2 < LongestPause ? _pause * 2 : LongestPause;
            throw;
        }
    }

    /// <summary>The password a login has worked with; null where none is given apart.</summary>
    private sealed record Acceptance(string? Password)
    {
        public override string ToString() => nameof(Acceptance);
    }
}

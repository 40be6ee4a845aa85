using System.Data.Common;
using System.Globalization;

namespace KafkaOracleOrleans.Storage.Connections;

/// <summary>
/// Keeps a wrong password from locking the account: until a login has worked, one attempt is made at a time, and after
/// a refused one the next comes with another password or after a pause that doubles from a minute to an hour.
/// </summary>
internal sealed class LoginGuard(string connection, PasswordSource secrets, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);

    private readonly SemaphoreSlim _turn = new(1, 1);
    private volatile bool _accepted;
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
        if (_accepted) return await TryAsync(open, refusal, cancellation).ConfigureAwait(false);
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (_refusal is { } last && time.GetUtcNow() < _until && secrets.Read() == _password)
            {
                var text = string.Create(
                    CultureInfo.InvariantCulture,
                    $"{last} (not tried again before {_until:HH:mm:ss} UTC or with another password, so that the account is not locked)");
                throw new DatabaseException(connection, last with { Message = text }, DatabasePhase.Open, null);
            }

            return await TryAsync(open, refusal, cancellation).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();

    private async Task<DbConnection> TryAsync(
        Func<CancellationToken, Task<DbConnection>> open, Func<Exception, DatabaseError?> refusal,
        CancellationToken cancellation)
    {
        try
        {
            var opened = await open(cancellation).ConfigureAwait(false);
            (_accepted, _refusal, _pause) = (true, null, FirstPause);
            return opened;
        }
        catch (Exception failure) when (refusal(failure) is { } error)
        {
            _accepted = false;
            _refusal = error;
            _password = secrets.Read();
            _until = time.GetUtcNow() + _pause;
            _pause = _pause * 2 < LongestPause ? _pause * 2 : LongestPause;
            throw;
        }
    }
}

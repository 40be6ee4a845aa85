using System.Data.Common;

namespace KafkaOracleOrleans.Storage.Connections;

/// <summary>Opens connections of one provider and says how its transactions begin.</summary>
internal interface IConnectionSource : IAsyncDisposable
{
    /// <summary>Server, database and user, without secrets: two connections of the same place see the same tables.</summary>
    string Place { get; }

    Task<DbConnection> OpenAsync(CancellationToken cancellation);

    ValueTask<DbTransaction> BeginAsync(DbConnection connection, CancellationToken cancellation);

    /// <summary>Commits. Not cancelled: the outcome is the database's to say.</summary>
    Task CommitAsync(DbTransaction transaction) => transaction.CommitAsync(CancellationToken.None);

    /// <summary>
    /// Waits for the writer's turn where a database has one writer at a time; disposing gives it back.
    /// </summary>
    ValueTask<IDisposable?> EnterWriteAsync(CancellationToken cancellation);

    /// <summary>Drops idle connections: one of them was found dead, the others are likely to be.</summary>
    void Discard();
}

/// <summary>
/// Where a connection's password comes from; remembers every secret that was used, so that texts can be scrubbed of
/// them.
/// </summary>
internal sealed class PasswordSource(string connection, ConnectionOptions options)
{
    private volatile string[] _known = string.IsNullOrEmpty(options.Password) ? [] : [options.Password];

    /// <summary>Every password read so far and every secret of the connection string, the newest last.</summary>
    public IReadOnlyList<string> Known => _known;

    /// <summary>The password now; null when none is configured.</summary>
    public string? Read()
    {
        if (options.PasswordFile is null) return options.Password;
        try
        {
            var password = File.ReadAllText(options.PasswordFile).TrimEnd('\r', '\n');
            Note(password);
            return password;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new ConnectionConfigurationException(
                $"Connection '{connection}': the password file '{options.PasswordFile}' cannot be read ({failure.Message}). "
                + "Mount it, or let the process's user read it.",
                failure);
        }
    }

    /// <summary>Notes the secrets of a connection string: of the user, of a proxy user, of a wallet or key.</summary>
    public void Note(DbConnectionStringBuilder text)
    {
        foreach (string keyword in text.Keys)
        {
            if (keyword.Contains("passw", StringComparison.OrdinalIgnoreCase)
                || keyword.Contains("pwd", StringComparison.OrdinalIgnoreCase)
                || keyword.Contains("secret", StringComparison.OrdinalIgnoreCase))
                Note(text[keyword] as string);
        }
    }

    private void Note(string? secret)
    {
        if (string.IsNullOrEmpty(secret) || _known.Contains(secret, StringComparer.Ordinal)) return;
        // The last eight: a file that is rotated for years must not grow a list for years.
        _known = [.. _known.TakeLast(7), secret];
    }
}

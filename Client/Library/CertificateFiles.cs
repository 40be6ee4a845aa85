using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace KafkaOracleOrleans.Tls;

/// <summary>
/// A certificate, its key and the authorities to trust, as files that may be exchanged while they are in use. They are known by their content: a mounted
/// secret is a link whose target changes, and no time of it need change. While what is there cannot be used, as in the midst of an exchange, what was
/// read before counts. Safe for concurrent use.
/// </summary>
/// <param name="certificate">The own certificate: PEM or PKCS #12.</param>
/// <param name="key">The key's PEM file when not in the certificate's.</param>
/// <param name="password">The key's password, read again each time; null: none.</param>
/// <param name="authority">PEM file with the authorities; null: none are needed.</param>
/// <param name="time">The clock.</param>
internal sealed class CertificateFiles(string certificate, string? key, Func<string?>? password, string? authority, TimeProvider time)
{
    /// <summary>How long what was read counts before the files are looked at again.</summary>
    public static readonly TimeSpan Recheck = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private State? _state;
    private long _checkedAt;

    /// <summary>The certificate's file.</summary>
    public string File => certificate;

    /// <summary>Why the files cannot be used as they are now; null: they can.</summary>
    public string? Problem { get; private set; }

    /// <summary>The certificate to show. Throws when the files could never be read.</summary>
    public X509Certificate2 Certificate => Current().Own;

    /// <summary>True when the other side's certificate comes from one of the authorities.</summary>
    public bool Trusts(X509Certificate2? other) => TlsFiles.ComesFrom(other, Current().Authorities);

    private State Current()
    {
        lock (_lock)
        {
            if (_state is { } known && time.GetElapsedTime(_checkedAt) < Recheck) return known;
            _checkedAt = time.GetTimestamp();
            try
            {
                var content = Fingerprint();
                // The old objects are not disposed of: connections may be using them.
                if (_state is null || !_state.Content.AsSpan().SequenceEqual(content))
                    _state = new State(content, TlsFiles.LoadWith(certificate, key, password?.Invoke()), authority is null ? [] : TlsFiles.LoadAuthorities(authority));
                Problem = null;
            }
            catch (Exception e) when (_state is not null && e is IOException or UnauthorizedAccessException or CryptographicException)
            {
                Problem = $"{certificate} and what belongs to it cannot be used as they are now ({e.GetType().Name}); what was read before counts.";
            }

            return _state!;
        }
    }

    private byte[] Fingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in new[] { certificate, key, authority }.OfType<string>())
        {
            var bytes = System.IO.File.ReadAllBytes(file);
            hash.AppendData(BitConverter.GetBytes(bytes.Length));
            hash.AppendData(bytes);
        }

        if (password?.Invoke() is { } text) hash.AppendData(System.Text.Encoding.UTF8.GetBytes(text));
        return hash.GetHashAndReset();
    }

    private sealed record State(byte[] Content, X509Certificate2 Own, X509Certificate2Collection Authorities);
}

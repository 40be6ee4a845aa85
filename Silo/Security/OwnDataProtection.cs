using System.Security.Cryptography;
using System.Text;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Tls;
using Microsoft.AspNetCore.DataProtection;

namespace KafkaOracleOrleans.Silo.Security;

/// <summary>
/// Seals cookies and what pages carry: AES-GCM with keys from the cluster's secret, so that every silo opens what another sealed; without a secret from random
/// numbers, so that a restart ends all sessions. Nothing is written to disk.
/// </summary>
internal sealed class OwnDataProtection : IDataProtector
{
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private readonly byte[] _root;
    private readonly byte[] _key;

    public OwnDataProtection(KorOptions options)
        : this(Root(options), "")
    {
    }

    private OwnDataProtection(byte[] root, string purpose)
    {
        _root = root;
        _key = HKDF.DeriveKey(HashAlgorithmName.SHA256, root, 32, null, Encoding.UTF8.GetBytes("kor.console." + purpose));
        Purpose = purpose;
    }

    private string Purpose { get; }

    // The length keeps ("a", "b") and ("ab") apart.
    public IDataProtector CreateProtector(string purpose) => new OwnDataProtection(_root, FormattableString.Invariant($"{Purpose}{purpose.Length}:{purpose}"));

    public byte[] Protect(byte[] plaintext)
    {
        var sealedBytes = new byte[NonceBytes + TagBytes + plaintext.Length];
        RandomNumberGenerator.Fill(sealedBytes.AsSpan(0, NonceBytes));
        using var aes = new AesGcm(_key, TagBytes);
        aes.Encrypt(
            sealedBytes.AsSpan(0, NonceBytes), plaintext, sealedBytes.AsSpan(NonceBytes + TagBytes), sealedBytes.AsSpan(NonceBytes, TagBytes));
        return sealedBytes;
    }

    /// <summary>Throws <see cref="CryptographicException"/> for what was not sealed with this key for this purpose.</summary>
    public byte[] Unprotect(byte[] protectedData)
    {
        if (protectedData.Length < NonceBytes + TagBytes) throw new CryptographicException("This was not sealed here.");
        var plain = new byte[protectedData.Length - NonceBytes - TagBytes];
        using var aes = new AesGcm(_key, TagBytes);
        aes.Decrypt(
            protectedData.AsSpan(0, NonceBytes), protectedData.AsSpan(NonceBytes + TagBytes), protectedData.AsSpan(NonceBytes, TagBytes), plain);
        return plain;
    }

    private static byte[] Root(KorOptions options) =>
        (options.Cluster.SecretFile is { } file ? SharedSecret.Read(file, out _) : null) ?? RandomNumberGenerator.GetBytes(32);
}

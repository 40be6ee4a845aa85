using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using KafkaOracleOrleans.Streams.Kafka.Native;

namespace KafkaOracleOrleans.Streams.Kafka;

/// <summary>
/// The one copy of librdkafka in this process: the application's own, opened by its full path, for this provider and for Confluent.Kafka alike. Were it
/// looked for by name, a librdkafka of the operating system would be taken where it can be loaded and the own one cannot.
/// </summary>
public static class KafkaLibrary
{
    private static readonly Lazy<(nint Handle, string Path, Version Version)> Loaded = new(Load, LazyThreadSafetyMode.PublicationOnly);
    private static bool _isConfluentOurs;

    /// <summary>The file that was loaded.</summary>
    /// <exception cref="KafkaLibraryException">There is none that fits.</exception>
    public static string Path => Loaded.Value.Path;

    /// <summary>The version that the loaded library tells.</summary>
    /// <exception cref="KafkaLibraryException">There is none that fits.</exception>
    public static Version Version => Loaded.Value.Version;

    /// <summary>The version that belongs to this build: librdkafka is released with Confluent.Kafka under the same number.</summary>
    public static Version Expected { get; } = ExpectedVersion();

    internal static nint Handle => Loaded.Value.Handle;

    /// <summary>Loads the library, unless it is loaded, and makes sure that it is the right one and the only one.</summary>
    /// <exception cref="KafkaLibraryException">It cannot be loaded, is not of the version this build was made for, or is there twice.</exception>
    public static void Check()
    {
        var (_, path, version) = Loaded.Value;
        // Confluent.Kafka's first use loads what it takes for its own, so ask it before looking for copies.
        var confluent = Fits(version) ? VersionOf(Confluent.Kafka.Library.Version) : version;
        if (Fault(path, version, confluent, Copies()) is { } fault)
            throw new KafkaLibraryException(fault);
    }

    /// <summary>What is wrong with what is loaded; null: nothing.</summary>
    internal static string? Fault(string path, Version version, Version confluent, IReadOnlyCollection<string> copies)
    {
        if (!Fits(version))
        {
            return $"{path} is librdkafka {version.ToString(3)}, and this build was made for {Expected.ToString(3)}. Deploy the application's folder as it was " +
                "published.";
        }

        if (confluent == version && copies.Count <= 1)
            return null;
        return $"Two copies of librdkafka are in this process: {path} is {version.ToString(3)}, Confluent.Kafka uses {confluent.ToString(3)}, and mapped are " +
            $"{string.Join(", ", copies.Order(StringComparer.Ordinal))}. Take the other one away (LD_PRELOAD, a DllImport resolver of the application), or call " +
            $"{nameof(KafkaLibrary)}.{nameof(Check)} before anything of Confluent.Kafka.";
    }

    /// <summary>Before any code of this assembly runs, and so before the first call into the library.</summary>
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "Whoever uses Confluent.Kafka beside this assembly must meet the same copy.")]
    internal static void Register()
    {
        NativeLibrary.SetDllImportResolver(typeof(KafkaLibrary).Assembly, Resolve);
        try
        {
            NativeLibrary.SetDllImportResolver(typeof(Confluent.Kafka.ProducerConfig).Assembly, Resolve);
            _isConfluentOurs = true;
        }
        catch (InvalidOperationException)
        {
            // The application has its own: which copy that takes is looked at by Check.
            _isConfluentOurs = false;
        }
    }

    internal static string Describe() =>
        $"librdkafka {Version.ToString(3)} from {Path}{(_isConfluentOurs ? "" : "; the application resolves it for Confluent.Kafka")}";

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path) =>
        name.EndsWith("librdkafka", StringComparison.Ordinal) ? Loaded.Value.Handle : 0;

    private static (nint, string, Version) Load()
    {
        var failures = new List<string>();
        foreach (var path in Candidates())
        {
            try
            {
                var handle = NativeLibrary.Load(path);
                if (!NativeLibrary.TryGetExport(handle, "rd_kafka_version", out var version))
                {
                    failures.Add($"{path}: it has no rd_kafka_version, so it is no librdkafka");
                    continue;
                }

                return (handle, path, VersionOf(CallVersion(version)));
            }
            catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
            {
                failures.Add($"{path}: {e.Message.ReplaceLineEndings(" ")}");
            }
        }

        throw new KafkaLibraryException(failures.Count == 0
            ? $"librdkafka is not in the application's folder {AppContext.BaseDirectory} (nor in runtimes/{RuntimeInformation.RuntimeIdentifier}/native below it). " +
              "Deploy the folder as it was published; a librdkafka of the operating system is never used."
            : $"No librdkafka of the application can be loaded: {string.Join("; ", failures)}. Install the system libraries that are named, or deploy for this system.");
    }

    private static unsafe int CallVersion(nint export) => ((delegate* unmanaged[Cdecl]<int>)export)();

    /// <summary>Hexadecimal, a byte each: major, minor, patch, and 0xff when it is a release.</summary>
    private static Version VersionOf(int version) => new((version >> 24) & 0xff, (version >> 16) & 0xff, (version >> 8) & 0xff);

    private static bool Fits(Version version) => version.Major == Expected.Major && version.Minor == Expected.Minor;

    private static Version ExpectedVersion()
    {
        var version = typeof(Confluent.Kafka.ProducerConfig).Assembly.GetName().Version ?? new Version(0, 0, 0);
        return new Version(version.Major, version.Minor, Math.Max(0, version.Build));
    }

    /// <summary>Files of the application that exist, the better first.</summary>
    private static IEnumerable<string> Candidates() =>
        from name in FileNames()
        from folder in Folders()
        let path = System.IO.Path.GetFullPath(System.IO.Path.Combine(folder, name))
        where File.Exists(path)
        group path by path into same
        select same.Key;

    private static string[] FileNames()
    {
        if (OperatingSystem.IsWindows()) return ["librdkafka.dll"];
        if (OperatingSystem.IsMacOS()) return ["librdkafka.dylib"];
        // The first one wants Cyrus SASL under the name that Red Hat gives it; the second does without.
        return IsMusl() ? ["alpine-librdkafka.so", "librdkafka.so"] : ["librdkafka.so", "centos8-librdkafka.so"];
    }

    /// <summary>
    /// Where the host says that native files of this application lie (beside it, in runtimes/RID/native, or where a single file was unpacked to), then
    /// where they lie in a published folder, should the process be another's.
    /// </summary>
    private static IEnumerable<string> Folders()
    {
        if (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") is string told)
        {
            var framework = System.IO.Path.GetDirectoryName(typeof(object).Assembly.Location);
            foreach (var folder in told.Split(System.IO.Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
            {
                if (System.IO.Path.TrimEndingDirectorySeparator(folder) != framework) yield return folder;
            }
        }

        var rid = RuntimeInformation.RuntimeIdentifier;
        foreach (var runtime in new[] { rid, rid.Replace("-musl", "", StringComparison.Ordinal), Portable() })
            yield return System.IO.Path.Combine(AppContext.BaseDirectory, "runtimes", runtime, "native");
        yield return AppContext.BaseDirectory;
    }

    private static string Portable()
    {
        var system = OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux";
        return $"{system}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";
    }

    private static bool IsMusl() => RuntimeInformation.RuntimeIdentifier.Contains("musl", StringComparison.Ordinal)
        || RuntimeInformation.RuntimeIdentifier.StartsWith("alpine", StringComparison.Ordinal);

    /// <summary>The files of this name that are mapped into the process; empty where the system does not say.</summary>
    private static HashSet<string> Copies()
    {
        const string Maps = "/proc/self/maps";
        if (!File.Exists(Maps)) return [];
        return File.ReadLines(Maps)
            .Select(line => line.IndexOf('/', StringComparison.Ordinal) is var start and >= 0 ? line[start..] : "")
            .Where(path => System.IO.Path.GetFileName(path).Contains("librdkafka", StringComparison.Ordinal) && path.Contains(".so", StringComparison.Ordinal))
            .Select(path => File.ResolveLinkTarget(path, true)?.FullName ?? path)
            .ToHashSet(StringComparer.Ordinal);
    }
}

/// <summary>librdkafka is missing, does not fit this build, or is there twice; the message says what to do.</summary>
public sealed class KafkaLibraryException(string message) : Exception(message);

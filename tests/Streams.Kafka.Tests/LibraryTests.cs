using System.Diagnostics;

namespace KafkaOracleOrleans.Streams.Kafka.Tests;

/// <summary>Which librdkafka a process uses, whatever lies around.</summary>
public sealed class LibraryTests : IDisposable
{
    private const string Foreign = "int rd_kafka_version(void) { return 0x020002ff; } const char *rd_kafka_version_str(void) { return \"2.0.2\"; }";
    private readonly string _folder = Directory.CreateTempSubdirectory("librdkafka-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_foreign_librdkafka_where_the_loader_looks_is_not_taken()
    {
        await CompileAsync();
        var (code, output) = await RunAsync();
        Assert.True(code == 0, output);
        var words = output.Split(' ', StringSplitOptions.TrimEntries);
        Assert.Equal(KafkaLibrary.Expected.ToString(3), words[0]);
        Assert.StartsWith(Path.GetDirectoryName(KillTests.SiloProgram)!, words[1], StringComparison.Ordinal);
        Assert.Equal(words[0], words[2]);
    }

    [Fact]
    public async Task Two_copies_in_a_process_are_refused_with_both_files()
    {
        await CompileAsync();
        var (code, output) = await RunAsync(Path.Combine(_folder, "librdkafka.so.1"));
        Assert.NotEqual(0, code);
        Assert.Contains("Two copies of librdkafka", output, StringComparison.Ordinal);
        Assert.Contains(Path.Combine(_folder, "librdkafka.so.1"), output, StringComparison.Ordinal);
        Assert.Contains(Path.GetDirectoryName(KillTests.SiloProgram)!, output, StringComparison.Ordinal);
    }

    [Fact]
    public void What_does_not_fit_is_named()
    {
        var expected = KafkaLibrary.Expected;
        Assert.Null(KafkaLibrary.Fault("/app/librdkafka.so", expected, expected, ["/app/librdkafka.so"]));
        var old = KafkaLibrary.Fault("/app/librdkafka.so", new Version(2, 0, 2), expected, []);
        Assert.Contains($"/app/librdkafka.so is librdkafka 2.0.2, and this build was made for {expected.ToString(3)}", old, StringComparison.Ordinal);
        var other = KafkaLibrary.Fault("/app/librdkafka.so", expected, new Version(2, 0, 2), []);
        Assert.Contains("Confluent.Kafka uses 2.0.2", other, StringComparison.Ordinal);
    }

    [Fact]
    public void Here_it_is_the_one_of_the_build()
    {
        KafkaLibrary.Check();
        Assert.Equal(KafkaLibrary.Expected, KafkaLibrary.Version);
        Assert.StartsWith(AppContext.BaseDirectory, KafkaLibrary.Path, StringComparison.Ordinal);
    }

    /// <summary>Under all names that a loader may ask for.</summary>
    private async Task CompileAsync()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/usr/bin/cc"), "There is no C compiler here to make another librdkafka.");
        var source = Path.Combine(_folder, "foreign.c");
        await File.WriteAllTextAsync(source, Foreign, TestContext.Current.CancellationToken);
        var first = Path.Combine(_folder, "librdkafka.so.1");
        using var compiler = Process.Start("/usr/bin/cc", ["-shared", "-fPIC", "-Wl,-soname,librdkafka.so.1", "-o", first, source]);
        await compiler.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, compiler.ExitCode);
        foreach (var name in new[] { "librdkafka.so", "librdkafka", "centos8-librdkafka.so", "alpine-librdkafka.so" }) File.Copy(first, Path.Combine(_folder, name));
    }

    private async Task<(int Code, string Output)> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(KillTests.SiloProgram);
        start.ArgumentList.Add("library");
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        start.Environment["LD_LIBRARY_PATH"] = _folder;
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, (output + await error).Trim());
    }
}

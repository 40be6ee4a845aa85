using KafkaOracleOrleans.Client.Cli;

namespace KafkaOracleOrleans.Client.Tests;

/// <summary><c>kor run</c>: which program it starts, with what, and what becomes of its end.</summary>
public sealed class RunVerbTests
{
    [Fact]
    public async Task The_servers_program_runs_the_file_and_its_end_is_that_of_kor()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The program of this test is a shell script.");
        using var kor = new Kor();
        var program = kor.Write("silo.sh", "#!/bin/sh\necho \"$@\" > \"$(dirname \"$0\")/called\"\nexit 7\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var file = kor.Write("orders.yaml", Samples.Payments);
        kor.Set("KOR_SILO", "silo.sh");
        var result = await kor.RunAsync("run", "orders.yaml", "--state", "kept.db", "--url", "http://127.0.0.1:9999");
        Assert.Equal(7, result.Code);
        Assert.Equal($"run-file {file} --state {Path.Combine(kor.Folder, "kept.db")} --url http://127.0.0.1:9999/", File.ReadAllText(Path.Combine(kor.Folder, "called")).Trim());
    }

    [Fact]
    public async Task A_run_to_the_end_is_the_servers_too()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The program of this test is a shell script.");
        using var kor = new Kor();
        var program = kor.Write("silo.sh", "#!/bin/sh\necho \"$@\" > \"$(dirname \"$0\")/called\"\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var file = kor.Write("orders.yaml", Samples.Payments);
        kor.Set("KOR_SILO", "silo.sh");
        Assert.Equal(ExitCodes.Ok, (await kor.RunAsync("run", "orders.yaml", "--until-end", "--close-windows", "--within", "1m30s")).Code);
        Assert.Equal($"run-file {file} --until-end --close-windows --within 90000ms", File.ReadAllText(Path.Combine(kor.Folder, "called")).Trim());
    }

    [Theory]
    [InlineData("--close-windows")]
    [InlineData("--within", "1m")]
    public async Task What_is_about_the_end_goes_with_an_end_only(params string[] option)
    {
        using var kor = new Kor();
        kor.Write("orders.yaml", Samples.Payments);
        kor.Set("KOR_SILO", "missing");
        var result = await kor.RunAsync(["run", "orders.yaml", .. option]);
        Assert.Equal(ExitCodes.Usage, result.Code);
        Assert.Contains($"{option[0]} goes with --until-end only", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_with_faults_starts_nothing()
    {
        using var kor = new Kor();
        kor.Write("orders.yaml", "apiVersion: kor/v1\nname: orders\n");
        kor.Set("KOR_SILO", "missing");
        var result = await kor.RunAsync("run", "orders.yaml");
        Assert.Equal(ExitCodes.Config, result.Code);
        Assert.Contains("orders.yaml(", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nowhere/KafkaOracleOrleans.Silo.dll", "KOR_SILO names")]
    [InlineData(null, "Set KOR_SILO to KafkaOracleOrleans.Silo.dll")]
    public async Task Without_the_program_it_says_where_to_find_it(string? named, string told)
    {
        using var kor = new Kor();
        kor.Write("orders.yaml", Samples.Payments);
        if (named is not null) kor.Set("KOR_SILO", named);
        var result = await kor.RunAsync("run", "orders.yaml");
        Assert.Equal(ExitCodes.NotFound, result.Code);
        Assert.Contains(told, result.Error, StringComparison.Ordinal);
    }
}

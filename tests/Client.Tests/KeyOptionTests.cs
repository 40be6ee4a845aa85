using KafkaOracleOrleans.Client.Cli;

namespace KafkaOracleOrleans.Client.Tests;

/// <summary>Who asks is said by a variable or a file, never on the command line.</summary>
public sealed class KeyOptionTests : IAsyncDisposable
{
    private readonly Kor _kor = new();
    private readonly FakeSilo _silo = new();

    public KeyOptionTests()
    {
        _kor.Set("KOR_URL", _silo.Url);
        _silo.Answer("GET /api/v1/pipelines", Array.Empty<object>());
    }

    public async ValueTask DisposeAsync()
    {
        _kor.Dispose();
        await _silo.DisposeAsync();
    }

    [Theory]
    [InlineData("list", "--api-key", "kor_secret")]
    [InlineData("--api-key=kor_secret", "list")]
    [InlineData("list", "--api-key")]
    public async Task A_key_on_the_command_line_is_refused_with_what_to_do_instead(params string[] args)
    {
        var result = await _kor.RunAsync(args);
        Assert.Equal(ExitCodes.Usage, result.Code);
        foreach (var remedy in (string[])["KOR_API_KEY", "--api-key-file FILE"]) Assert.Contains(remedy, result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("kor_secret", result.Out + result.Error, StringComparison.Ordinal);
        Assert.Empty(_silo.Keys);
    }

    [Fact]
    public async Task A_variable_or_a_file_says_it()
    {
        var file = _kor.Write("key", "kor_from_file\n");
        Assert.Equal(ExitCodes.Ok, (await _kor.RunAsync("list", "--api-key-file", "key")).Code);
        _kor.Set("KOR_API_KEY_FILE", file);
        Assert.Equal(ExitCodes.Ok, (await _kor.RunAsync("list")).Code);
        _kor.Set("KOR_API_KEY", "kor_from_variable");
        Assert.Equal(ExitCodes.Ok, (await _kor.RunAsync("list")).Code);
        Assert.Equal(ExitCodes.Ok, (await _kor.RunAsync("list", "--api-key-file", "key")).Code);
        Assert.Equal(["Bearer kor_from_file", "Bearer kor_from_file", "Bearer kor_from_variable", "Bearer kor_from_file"], _silo.Keys);
        var missing = await _kor.RunAsync("list", "--api-key-file", "nowhere");
        Assert.Equal(ExitCodes.NotFound, missing.Code);
        Assert.Contains("'nowhere' cannot be read", missing.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_offers_no_key_on_the_command_line()
    {
        var help = (await _kor.RunAsync("--help")).Out;
        Assert.Contains("--api-key-file", help, StringComparison.Ordinal);
        Assert.DoesNotContain("--api-key ", help, StringComparison.Ordinal);
    }
}

using Microsoft.Playwright;

namespace KafkaOracleOrleans.WebConsole.Tests.Support;

/// <summary>Debian's Chromium; a test that needs it skips where it is not installed.</summary>
internal sealed class Browser : IAsyncDisposable
{
    private const string Path = "/usr/bin/chromium";
    private readonly IPlaywright _playwright;
    private readonly IBrowser _browser;

    private Browser(IPlaywright playwright, IBrowser browser) => (_playwright, _browser) = (playwright, browser);

    /// <summary>A folder that gets a picture of every screen the tests see; null: none.</summary>
    public static string? Pictures => Environment.GetEnvironmentVariable("KOR_PICTURES");

    public static bool IsMissing => !File.Exists(Path);

    public static async Task<Browser> StartAsync()
    {
        var playwright = await Playwright.CreateAsync();
        var browser = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = Path, Args = ["--no-sandbox", "--disable-gpu"] });
        return new Browser(playwright, browser);
    }

    /// <summary>A page of a browser that knows nothing yet; what goes wrong in it is in <paramref name="faults"/>.</summary>
    public async Task<IPage> PageAsync(string url, List<string> faults, bool dark = false, int width = 1400, int height = 950)
    {
        var context = await _browser.NewContextAsync(new BrowserNewContextOptions
        {
            BaseURL = url,
            ColorScheme = dark ? ColorScheme.Dark : ColorScheme.Light,
            ViewportSize = new ViewportSize { Width = width, Height = height },
        });
        context.SetDefaultTimeout(20_000);
        var page = await context.NewPageAsync();
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning") lock (faults) faults.Add($"{page.Url}: {message.Text}");
        };
        page.PageError += (_, error) =>
        {
            lock (faults) faults.Add($"{page.Url}: {error}");
        };
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(url, StringComparison.Ordinal) && !request.Url.StartsWith("data:", StringComparison.Ordinal))
                lock (faults) faults.Add($"{page.Url} asked for {request.Url}");
        };
        return page;
    }

    /// <summary>Keeps a picture of a page, where somebody wants pictures.</summary>
    public static async Task PictureAsync(IPage page, string name)
    {
        if (Pictures is { } folder) await page.ScreenshotAsync(new PageScreenshotOptions { Path = System.IO.Path.Combine(folder, name + ".png") });
    }

    public async ValueTask DisposeAsync()
    {
        await _browser.DisposeAsync();
        _playwright.Dispose();
    }
}

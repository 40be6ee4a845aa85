using KafkaOracleOrleans.Silo.Api;
using KafkaOracleOrleans.Silo.Hosting;
using Microsoft.AspNetCore.Http;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>What a browser says of the page that asks, each header by itself: not all browsers send both, and not everywhere.</summary>
public sealed class RequestOriginTests
{
    [Theory]
    [InlineData("Sec-Fetch-Site", "cross-site", false)]
    [InlineData("Sec-Fetch-Site", "same-site", false)] // Another port or host of the same domain is another's page.
    [InlineData("Sec-Fetch-Site", "same-origin", true)]
    [InlineData("Sec-Fetch-Site", "none", true)]
    [InlineData("Origin", "null", false)]
    [InlineData("Origin", "http://kor.example:8080", true)]
    [InlineData("Origin", "http://KOR.example:8080", true)]
    [InlineData("Origin", "http://kor.example:8081", false)]
    [InlineData("Origin", "http://kor.example", false)]
    [InlineData("Origin", "http://kor.example.evil.test:8080", false)]
    [InlineData("Origin", "https://console.test", true)] // Listed.
    [InlineData("Origin", "https://console.test:444", false)]
    public void A_page_of_another_site_is_refused(string header, string value, bool allowed)
    {
        var http = new DefaultHttpContext();
        http.Request.Scheme = "http";
        http.Request.Host = new HostString("kor.example", 8080);
        http.Request.Headers[header] = value;
        Assert.Equal(allowed, RequestOrigin.Refusal(http.Request, new HttpOptions { AllowedOrigins = ["https://console.test"] }) is null);
    }
}

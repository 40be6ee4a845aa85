using System.Net;
using System.Security.Claims;
using System.Text;
using KafkaOracleOrleans.Silo.Api;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Silo.Security;
using KafkaOracleOrleans.WebConsole.Data;

namespace KafkaOracleOrleans.Silo.ConsoleHost;

/// <summary>The API for the console: its own endpoints, guard and error texts, without the wire.</summary>
internal sealed class InProcessApi(IServiceProvider services, KorOptions options, UserSessions sessions) : IConsoleApi
{
    private static readonly ClaimsPrincipal Reader = Users.Ticket("console", [KorRoles.Viewer], "console").Principal;
    private RequestDelegate? _pipeline;

    public bool IsReadOnly => options.Http.ReadOnly;

    public bool HasSignIn => Authentication.IsOn(options.Http);

    public bool HasDashboard => options.Http.Dashboard;

    /// <summary>Builds the way of a request: what stands before the API's endpoints over the wire, but for what is about the wire.</summary>
    public void Build(WebApplication app)
    {
        var mapped = ((IEndpointRouteBuilder)app).DataSources.ToList();
        var branch = ((IApplicationBuilder)app).New();
        branch.UseExceptionHandler();
        branch.UseStatusCodePages();
        branch.UseRouting();
        branch.UseAuthorization();
        branch.UseMiddleware<ApiGuard>();
        branch.UseEndpoints(endpoints =>
        {
            foreach (var source in mapped) endpoints.DataSources.Add(source);
        });
        _pipeline = branch.Build();
    }

    public ClaimsPrincipal? Current(ClaimsPrincipal user) => sessions.Current(user);

    public async Task<ApiAnswer> SendAsync(ClaimsPrincipal? user, ApiCall call, CancellationToken cancellation)
    {
        if (user is null && call.Method != HttpMethods.Get) throw new ArgumentException("The console itself only reads.", nameof(call));
        var current = user is null ? Reader : sessions.Current(user);
        if (current is null) return new ApiAnswer(StatusCodes.Status401Unauthorized, ReadOnlyMemory<byte>.Empty);
        var pipeline = _pipeline ?? throw new InvalidOperationException("The API is not mapped yet.");
        // Pages run on a scheduler of their own, one thing at a time; endpoints do not.
        return await Task.Run(() => SendAsync(pipeline, current, call, cancellation), cancellation);
    }

    private async Task<ApiAnswer> SendAsync(RequestDelegate pipeline, ClaimsPrincipal user, ApiCall call, CancellationToken cancellation)
    {
        await using var scope = services.CreateAsyncScope();
        using var answer = new MemoryStream();
        var http = new DefaultHttpContext { RequestServices = scope.ServiceProvider, User = user, RequestAborted = cancellation };
        var at = call.Path.IndexOf('?', StringComparison.Ordinal);
        http.Request.Method = call.Method;
        http.Request.Scheme = "http";
        http.Request.Host = new HostString("localhost");
        http.Request.Path = PathString.FromUriComponent($"{KorApi.Root}/{(at < 0 ? call.Path : call.Path[..at])}");
        if (at >= 0) http.Request.QueryString = new QueryString(call.Path[at..]);
        http.Request.Headers.Accept = "application/json";
        http.Connection.RemoteIpAddress = IPAddress.TryParse(user.FindFirst(UserSessions.Origin)?.Value, out var address) ? address : null;
        if (!HttpMethods.IsGet(call.Method))
        {
            var body = Encoding.UTF8.GetBytes(call.Body ?? "");
            http.Request.ContentType = call.ContentType;
            http.Request.ContentLength = body.Length;
            http.Request.Body = new MemoryStream(body);
        }

        http.Response.Body = answer;
        await pipeline(http);
        await http.Response.CompleteAsync();
        return new ApiAnswer(http.Response.StatusCode, answer.ToArray());
    }
}

// Loaded into the child processes first: a server must not outlive the program that started it.
process.once('disconnect', () => process.exit(1));
// Listening for `disconnect` alone keeps no process alive, but the channel itself would.
process.channel?.unref();

/**
 * A gateway may start kernels without its own locale (protocol.md §6), which leaves only ASCII: IRkernel then reads `é`
 * as `<U+00E9>`, and output of Toree with such letters never arrives. In that case, and only then, this code makes the
 * process use UTF-8.
 */

/** An expression without a result, so that it leaves no names behind. */
const IN_R = `invisible(local(if (!l10n_info()[["UTF-8"]] && Sys.getlocale("LC_CTYPE") %in% c("C", "POSIX"))
  for (name in c("C.UTF-8", "en_US.UTF-8", "UTF-8"))
    if (suppressWarnings(Sys.setlocale("LC_CTYPE", name)) != "") break))`;

/**
 * Java reads its locale once, at its start; from Java 18 on it always uses UTF-8, and nothing is done. The console that
 * writes results took its encoding from there, so it is replaced too; if a version of Toree keeps it elsewhere, it is
 * left alone.
 */
const IN_TOREE = `if (java.nio.charset.Charset.defaultCharset == java.nio.charset.StandardCharsets.US_ASCII) {
  val utf8 = java.nio.charset.StandardCharsets.UTF_8
  val access = classOf[sun.misc.Unsafe].getDeclaredField("theUnsafe")
  access.setAccessible(true)
  val unsafe = access.get(null).asInstanceOf[sun.misc.Unsafe]
  val field = classOf[java.nio.charset.Charset].getDeclaredField("defaultCharset")
  unsafe.putObjectVolatile(unsafe.staticFieldBase(field), unsafe.staticFieldOffset(field), utf8)
  scala.util.Try {
    def of(owner: AnyRef, name: String): AnyRef = owner.getClass.getMethod(name).invoke(owner)
    val interpreter = of(kernel, "interpreter")
    val results = of(interpreter, "lastResultOut").asInstanceOf[java.io.OutputStream]
    val writer = unsafe.objectFieldOffset(classOf[java.io.PrintWriter].getDeclaredField("out"))
    unsafe.putObjectVolatile(of(of(interpreter, "iMain"), "out"), writer, new java.io.OutputStreamWriter(results, utf8))
  }
  ()
}`;

/** Code for a kernel of this implementation; undefined if it always uses UTF-8. */
export function useUtf8(implementation: string): string | undefined {
  if (/irkernel/i.test(implementation)) return IN_R;
  return /toree/i.test(implementation) ? IN_TOREE : undefined;
}

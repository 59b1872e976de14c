/**
 * A gateway may start kernels without its own locale (protocol.md §6), and ASCII alone is left: IRkernel then reads `é` as
 * `<U+00E9>`, and what Toree says with such letters never arrives. Where that is so, and nowhere else, these have the process
 * use UTF-8 from now on.
 */

/** One expression without a result, so that no name is left. */
const IN_R = `invisible(local(if (!l10n_info()[["UTF-8"]] && Sys.getlocale("LC_CTYPE") %in% c("C", "POSIX"))
  for (name in c("C.UTF-8", "en_US.UTF-8", "UTF-8"))
    if (suppressWarnings(Sys.setlocale("LC_CTYPE", name)) != "") break))`;

/**
 * Java reads its locale once, at its start; from 18 on it is UTF-8 whatever that says, and nothing is done. The console that
 * writes results has taken its letters from there as well; where a version of Toree keeps it elsewhere, it is left.
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

/** Code for a kernel of this implementation; undefined where it uses UTF-8 by itself. */
export function useUtf8(implementation: string): string | undefined {
  if (/irkernel/i.test(implementation)) return IN_R;
  return /toree/i.test(implementation) ? IN_TOREE : undefined;
}

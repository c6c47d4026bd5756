package org.luthier.launcher;

import java.lang.reflect.Proxy;

/**
 * What Ctrl-C and a polite kill do: the first one interrupts the command, which then cleans up and ends; the second one ends the process
 * at once. Before the command has begun there is nothing to clean up, and the first one ends the process.
 */
final class Signals {
    private static final int INTERRUPTED = 130;

    private Runnable interruption;
    private boolean asked;
    private boolean ended;

    /** Takes over SIGINT and SIGTERM. */
    static Signals install() {
        Signals signals = new Signals();
        // By reflection: the compiler warns of sun.misc in a way that cannot be turned off.
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            Object received = Proxy.newProxyInstance(
                    Signals.class.getClassLoader(), new Class<?>[] {handler}, (proxy, method, arguments) -> {
                        if (method.getName().equals("handle")) {
                            signals.received();
                            return null;
                        }
                        return method.invoke(signals, arguments);
                    });
            for (String name : new String[] {"INT", "TERM"}) {
                signal.getMethod("handle", signal, handler)
                        .invoke(null, signal.getConstructor(String.class).newInstance(name), received);
            }
        } catch (ReflectiveOperationException e) {
            // Another Java machine: its own handling ends the process, and the files that were being written stay
            // temporary.
        }
        return signals;
    }

    /** From here on the first signal interrupts this thread. */
    void commandBegins() {
        commandBegins(Thread.currentThread()::interrupt);
    }

    /** From here on the first signal does this. */
    synchronized void commandBegins(Runnable interruption) {
        this.interruption = interruption;
    }

    /** Between two commands there is nothing to clean up: the first signal ends the process. */
    synchronized void betweenCommands() {
        interruption = null;
    }

    /** The command has its result; a late signal does not change it. */
    synchronized void commandEnded() {
        interruption = null;
        ended = true;
        Thread.interrupted();
    }

    private synchronized void received() {
        if (asked || interruption == null && !ended) {
            Runtime.getRuntime().halt(INTERRUPTED);
        }
        asked = true;
        if (interruption != null) {
            interruption.run();
        }
    }
}

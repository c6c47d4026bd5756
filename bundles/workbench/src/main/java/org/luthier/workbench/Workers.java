package org.luthier.workbench;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.luthier.api.Cancellation;
import org.luthier.api.CancelledException;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Threads of one job: they end with it, so that nothing of a plug-in stays in them. */
final class Workers {
    /** The class loader of ND4J, which finds its backend by it; it is no plug-in's. */
    static final ClassLoader LOADER = INDArray.class.getClassLoader();

    private Workers() {}

    /** A daemon thread that refers to no plug-in. */
    static Thread thread(String name, Runnable work) {
        Thread thread = new Thread(null, work, name, 0, false);
        thread.setDaemon(true);
        thread.setContextClassLoader(LOADER);
        return thread;
    }

    /**
     * Runs the same work in several threads and waits until all have ended. The first failure stops the others and is thrown.
     *
     * @param name of the threads, which are numbered
     * @param work given what it must ask regularly
     * @throws CancelledException if cancelling was requested or this thread was interrupted
     */
    static void run(String name, int count, Cancellation cancellation, Consumer<Cancellation> work) {
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Cancellation stop = () -> failure.get() != null || cancellation.requested();
        List<Thread> threads = new ArrayList<>();
        for (int i = 1; i <= count; i++) {
            threads.add(thread(name + "-" + i, () -> {
                try {
                    work.accept(stop);
                } catch (Throwable e) {
                    failure.compareAndSet(null, e);
                }
            }));
        }
        try {
            threads.forEach(Thread::start);
        } catch (OutOfMemoryError e) {
            // The machine has no more threads; those that run must end before what they work on goes.
            failure.compareAndSet(null, e);
        }
        for (Thread thread : threads) {
            awaitEnd(thread, failure);
        }
        if (failure.get() instanceof RuntimeException e) {
            throw e;
        }
        if (failure.get() instanceof Error e) {
            throw e;
        }
    }

    /** Waits for a thread even when interrupted, which counts as a failure: what the thread works on must not be taken from it. */
    private static void awaitEnd(Thread thread, AtomicReference<Throwable> failure) {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
                failure.compareAndSet(null, new CancelledException());
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}

package org.luthier.converter;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.luthier.api.Cancellation;
import org.luthier.api.CancelledException;
import org.luthier.api.Progress;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.checkpoint.MappedWeights;

/** Makes the weights with several threads and hands them on in order; few are in memory at a time. */
final class Assembly {
    /** Bytes of weights that may be in memory, unless a single one has more. */
    private static final long MOST_BYTES = 1 << 24;

    private final MappedWeights weights;
    private final int workers;
    private final Progress progress;
    private final Cancellation cancellation;

    /** What a thread does with a weight. */
    interface Work<T> {
        T apply(TensorInfo tensor, ByteBuffer bytes) throws IOException;
    }

    /** Takes what the work yields, in order and in the caller's thread. */
    interface Sink<T> {
        void accept(TensorInfo tensor, T result) throws IOException;
    }

    private record Pending<T>(TensorInfo tensor, long bytes, FutureTask<T> result) {}

    Assembly(MappedWeights weights, int workers, Progress progress, Cancellation cancellation) {
        this.weights = weights;
        this.workers = workers;
        this.progress = progress;
        this.cancellation = cancellation;
    }

    <T> void run(List<TensorInfo> tensors, Work<T> work, Sink<T> sink) throws IOException {
        long total = tensors.stream().mapToLong(Assembly::bytes).sum();
        ExecutorService threads = Executors.newFixedThreadPool(workers);
        try {
            Deque<Pending<T>> pending = new ArrayDeque<>();
            long inMemory = 0;
            long done = 0;
            int next = 0;
            while (next < tensors.size() || !pending.isEmpty()) {
                cancellation.check();
                while (next < tensors.size()
                        && (pending.isEmpty() || inMemory + bytes(tensors.get(next)) <= MOST_BYTES)) {
                    TensorInfo tensor = tensors.get(next++);
                    inMemory += bytes(tensor);
                    FutureTask<T> task = new FutureTask<>(() -> work.apply(tensor, weights.bytes(tensor.name())));
                    pending.add(new Pending<>(tensor, bytes(tensor), task));
                    threads.execute(task);
                }
                Pending<T> first = pending.remove();
                // Does nothing if a thread has begun with it; one that runs out of memory may lose what it was to begin
                // with.
                first.result.run();
                sink.accept(first.tensor, result(first.result));
                inMemory -= first.bytes;
                done += first.bytes;
                progress.update("convert", done, total);
            }
        } finally {
            threads.shutdownNow();
            awaitEnd(threads);
        }
    }

    /** Completes the account of every tensor, those included that are left out. */
    void ledger() {
        weights.ledger();
    }

    private static long bytes(TensorInfo tensor) {
        return tensor.elements() * tensor.dtype().bytes();
    }

    private static <T> T result(FutureTask<T> future) throws IOException {
        try {
            return future.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancelledException();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException failure) {
                throw failure;
            }
            if (e.getCause() instanceof UncheckedIOException failure) {
                throw failure.getCause();
            }
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw (RuntimeException) e.getCause();
        }
    }

    /** Nobody may still write when what was written is removed. */
    private static void awaitEnd(ExecutorService threads) {
        boolean interrupted = false;
        while (!threads.isTerminated()) {
            try {
                threads.awaitTermination(1, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}

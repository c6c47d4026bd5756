package org.luthier.installer;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.luthier.api.Cancellation;
import org.luthier.api.CancelledException;
import org.luthier.api.LuthierException;
import org.luthier.api.Progress;

/** Fetches files, a few at a time: the first that cannot be had ends all, and what came stays for the next attempt. */
final class Downloads {
    private static final int CONNECTIONS = 4;
    private static final long LOOK_MILLIS = 50;

    private final Staging staging;
    private final Http http;
    private final Patience patience;
    private final Progress progress;
    private final Cancellation cancellation;

    Downloads(Staging staging, Http http, Patience patience, Progress progress, Cancellation cancellation) {
        this.staging = staging;
        this.http = http;
        this.patience = patience;
        this.progress = progress;
        this.cancellation = cancellation;
    }

    /**
     * Fetches files into the staging folder.
     *
     * @param total bytes of all, or -1 if not known
     * @throws LuthierException if one cannot be had
     * @throws CancelledException if it was cancelled or the thread interrupted
     */
    void fetch(List<Item> items, long total) {
        AtomicLong done = new AtomicLong();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        List<Transfer> transfers = new ArrayList<>();
        // The largest first, so that none is left alone at the end.
        for (Item item : items.stream()
                .sorted(Comparator.comparingLong(Item::size).reversed())
                .toList()) {
            transfers.add(new Transfer(
                    item,
                    staging.partial(item.path()),
                    staging.complete(item.path()),
                    staging,
                    http,
                    patience,
                    done::addAndGet));
        }
        ExecutorService pool = Executors.newFixedThreadPool(CONNECTIONS, task -> {
            Thread thread = new Thread(task, "luthier-install");
            thread.setDaemon(true);
            return thread;
        });
        for (Transfer transfer : transfers) {
            pool.execute(() -> {
                try {
                    transfer.run();
                } catch (Throwable e) {
                    failure.compareAndSet(null, e);
                }
            });
        }
        pool.shutdown();
        try {
            while (!pool.awaitTermination(LOOK_MILLIS, TimeUnit.MILLISECONDS) && failure.get() == null) {
                cancellation.check();
                long now = System.nanoTime();
                transfers.forEach(transfer -> transfer.watch(now));
                progress.update(state(done.get(), total), done.get(), total);
            }
        } catch (InterruptedException e) {
            throw new CancelledException();
        } finally {
            end(pool, transfers);
        }
        if (failure.get() instanceof LuthierException refused) {
            throw refused;
        }
        if (failure.get() != null) {
            throw new IllegalStateException("a transfer failed", failure.get());
        }
        progress.update(state(done.get(), total), done.get(), total);
    }

    /** No thread writes into the folder after this. */
    private static void end(ExecutorService pool, List<Transfer> transfers) {
        pool.shutdownNow();
        boolean interrupted = false;
        while (true) {
            transfers.forEach(Transfer::stop);
            try {
                if (pool.awaitTermination(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
                    break;
                }
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static String state(long done, long total) {
        if (done == 0) {
            return "connecting";
        }
        return total < 0
                ? String.format(Locale.ROOT, "%.1f MB", done / 1e6)
                : String.format(Locale.ROOT, "%.1f of %.1f MB", done / 1e6, total / 1e6);
    }
}

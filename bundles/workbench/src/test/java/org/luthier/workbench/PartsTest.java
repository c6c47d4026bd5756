package org.luthier.workbench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.luthier.api.Cancellation;
import org.luthier.api.CancelledException;
import org.luthier.api.LuthierException;
import org.luthier.api.notes.NoteAssembler;

@Timeout(60)
class PartsTest {
    private static final Want NOTES = new Want(NoteAssembler.class, "fake-notes");

    private final Parts parts = new Parts(Duration.ofSeconds(30), Duration.ofSeconds(30));

    private NoteAssembler chosen() {
        try (Leases leases = parts.acquire(NOTES)) {
            return leases.get(NoteAssembler.class, "fake-notes");
        }
    }

    private Registration add(NoteAssembler part, String version, int ranking) {
        return parts.add(NoteAssembler.class, part, version, ranking);
    }

    @Test
    void choosesByRankingThenVersionThenAge() {
        NoteAssembler old = new Fakes.Assembler();
        NoteAssembler newer = new Fakes.Assembler();
        NoteAssembler ranked = new Fakes.Assembler();
        NoteAssembler again = new Fakes.Assembler();
        add(newer, "1.10.0", 0);
        add(old, "1.9.0", 0);
        assertSame(newer, chosen());
        Registration rankedOne = add(ranked, "0.1.0", 5);
        assertSame(ranked, chosen());
        rankedOne.close();
        assertSame(newer, chosen());
        add(again, "1.10.0", 0);
        assertSame(again, chosen(), "a rebuilt snapshot has the same version");
    }

    @Test
    void theOldOneLeavesWhileTheNewOneIsThere() {
        NoteAssembler first = new Fakes.Assembler();
        NoteAssembler second = new Fakes.Assembler();
        Registration old = add(first, "1.0.0", 0);
        add(second, "2.0.0", 0);
        old.close();
        old.close();
        assertSame(second, chosen());
        assertEquals(1, parts.list().size());
    }

    @Test
    void anUnknownIdIsRefusedAtOnceWithTheIdsThereAre() {
        add(new Fakes.Assembler(), "1.0.0", 0);
        LuthierException e =
                assertThrows(LuthierException.class, () -> parts.acquire(new Want(NoteAssembler.class, "typo")));
        assertEquals("no note assembler 'typo'; there are: fake-notes", e.getMessage());
    }

    @Test
    void leavingWaitsForTheJobsThatHoldIt() throws Exception {
        Registration registration = add(new Fakes.Assembler(), "1.0.0", 0);
        Leases leases = parts.acquire(NOTES);
        CompletableFuture<Void> closing = CompletableFuture.runAsync(registration::close);
        awaitDraining();
        assertFalse(closing.isDone());
        assertEquals(1, parts.list().get(0).jobs());
        assertFalse(parts.list().get(0).chosen());
        leases.close();
        closing.get(30, TimeUnit.SECONDS);
        assertTrue(parts.list().isEmpty());
    }

    @Test
    void aJobThatComesInTheGapWaitsForTheSuccessor() throws Exception {
        Registration registration = add(new Fakes.Assembler(), "1.0.0", 0);
        Leases leases = parts.acquire(NOTES);
        CompletableFuture<Void> closing = CompletableFuture.runAsync(registration::close);
        awaitDraining();
        CompletableFuture<String> next = CompletableFuture.supplyAsync(() -> {
            try (Leases later = parts.acquire(NOTES)) {
                return later.version(NoteAssembler.class, "fake-notes").version();
            }
        });
        leases.close();
        closing.get(30, TimeUnit.SECONDS);
        assertFalse(next.isDone());
        add(new Fakes.Assembler(), "2.0.0", 0);
        assertEquals("2.0.0", next.get(30, TimeUnit.SECONDS));
    }

    @Test
    void whoWaitsForOnePartHoldsNoOther() throws Exception {
        Registration notes = add(new Fakes.Assembler(), "1.0.0", 0);
        Registration family = parts.add(org.luthier.api.model.ModelFamily.class, new Fakes.Family(), "1.0.0", 0);
        family.close();
        CompletableFuture<Leases> waiting = CompletableFuture.supplyAsync(
                () -> parts.acquire(NOTES, new Want(org.luthier.api.model.ModelFamily.class, "fake")));
        notes.close();
        assertFalse(waiting.isDone());
        add(new Fakes.Assembler(), "2.0.0", 0);
        parts.add(org.luthier.api.model.ModelFamily.class, new Fakes.Family(), "2.0.0", 0);
        waiting.get(30, TimeUnit.SECONDS).close();
    }

    @Test
    void thePatienceForASuccessorEnds() {
        Parts hasty = new Parts(Duration.ofSeconds(30), Duration.ofMillis(50));
        hasty.add(NoteAssembler.class, new Fakes.Assembler(), "1.0.0", 0).close();
        LuthierException e = assertThrows(LuthierException.class, () -> hasty.acquire(NOTES));
        assertTrue(e.getMessage().startsWith("no note assembler 'fake-notes'"), e.getMessage());
    }

    @Test
    void waitingForASuccessorCanBeCancelled() {
        add(new Fakes.Assembler(), "1.0.0", 0).close();
        assertThrows(CancelledException.class, () -> parts.acquire(List.of(NOTES), reason -> {}, () -> true));
    }

    @Test
    void afterTheDrainTimeTheJobsAreEnded() {
        Parts hasty = new Parts(Duration.ofMillis(50), Duration.ofSeconds(30));
        Registration registration = hasty.add(NoteAssembler.class, new Fakes.Assembler(), "1.0.0", 0);
        AtomicReference<LuthierException> reason = new AtomicReference<>();
        CountDownLatch told = new CountDownLatch(1);
        Leases leases = hasty.acquire(
                List.of(NOTES),
                why -> {
                    reason.set(why);
                    told.countDown();
                },
                Cancellation.NONE);
        CompletableFuture<Void> closing = CompletableFuture.runAsync(registration::close);
        assertTrue(await(told));
        assertTrue(
                reason.get().getMessage().contains("fake-notes 1.0.0 was replaced"),
                reason.get().getMessage());
        assertFalse(closing.isDone(), "the job has been told, and has not ended");
        leases.close();
        closing.join();
        assertTrue(hasty.list().isEmpty());
    }

    @Test
    void departureIsToldWhenTheJobsHaveEnded() {
        NoteAssembler part = new Fakes.Assembler();
        AtomicReference<Object> departed = new AtomicReference<>();
        parts.onDeparture(departed::set);
        Registration registration = add(part, "1.0.0", 0);
        assertNull(departed.get());
        registration.close();
        assertSame(part, departed.get());
    }

    private void awaitDraining() throws InterruptedException {
        while (!parts.list().get(0).draining()) {
            Thread.sleep(1);
        }
    }

    private static boolean await(CountDownLatch latch) {
        try {
            return latch.await(30, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            return false;
        }
    }
}

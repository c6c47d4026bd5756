package org.luthier.nn.internal;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.luthier.nn.Heads;
import org.luthier.nn.KeyValueCache;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * For each row a list of pages of positions, in which the keys of a head lie side by side, and so do its values: read in order they come
 * from memory twice as fast as from between the other heads. Rows that come of one share its pages; a page is copied when one of them
 * adds to it. What is no longer used serves the next positions.
 */
final class CpuCache extends CpuAttention implements KeyValueCache {
    /** Positions of a page, unless more come at first, which then are a page. */
    private static final int POSITIONS = 64;

    private final List<Page> all = new ArrayList<>();
    private final Deque<Page> free = new ArrayDeque<>();
    private List<List<Page>> rows = new ArrayList<>();
    private int pageLength;
    private int length;

    // To work in.
    private final Address address = new Address();
    private float[] lines = {};
    private float[] headLines = {};

    CpuCache(Heads heads, int rows) {
        super(heads);
        for (int row = 0; row < rows; row++) {
            this.rows.add(new ArrayList<>());
        }
    }

    /** Keys [heads][positions][size], then values. */
    private static final class Page {
        private final FloatPointer memory;
        private int users;

        private Page(FloatPointer memory) {
            this.memory = memory;
        }
    }

    @Override
    public int rows() {
        return rows.size();
    }

    @Override
    public int length() {
        return length;
    }

    @Override
    public void append(INDArray keys, INDArray values) {
        Shapes.check("keys", keys, rows(), -1, heads().width());
        Shapes.check("values", values, rows(), keys.size(1), heads().valueWidth());
        int n = (int) keys.size(1);
        if (pageLength == 0) {
            pageLength = Math.max(POSITIONS, n);
            lines = new float[POSITIONS * Math.max(heads().width(), heads().valueWidth())];
            headLines = new float[POSITIONS * Math.max(heads().size(), heads().valueSize())];
        }
        try (Lines newKeys = Lines.of(keys);
                Lines newValues = Lines.of(values)) {
            for (int row = 0; row < rows(); row++) {
                for (int done = 0; done < n; ) {
                    int position = (length + done) % pageLength;
                    int run = Math.min(Math.min(n - done, pageLength - position), POSITIONS);
                    Page page = writable(rows.get(row), position);
                    write(newKeys, row * n + done, run, page.memory.address(), position, heads().size());
                    write(
                            newValues,
                            row * n + done,
                            run,
                            page.memory.address() + keyBytes(),
                            position,
                            heads().valueSize());
                    done += run;
                }
            }
        }
        length += n;
    }

    /** The page that a row's next position goes to: a new one, the last one, or if others see that a copy of it. */
    private Page writable(List<Page> pages, int position) {
        int last = pages.size() - 1;
        if (position == 0) {
            pages.add(take());
            return pages.get(last + 1);
        }
        Page page = pages.get(last);
        if (page.users > 1) {
            page.users--;
            Page copy = take();
            pages.set(last, copy);
            copy(page.memory.address(), copy.memory.address(), position, heads().size());
            copy(page.memory.address() + keyBytes(), copy.memory.address() + keyBytes(), position, heads().valueSize());
            return copy;
        }
        return page;
    }

    private Page take() {
        Page page = free.poll();
        if (page == null) {
            page = new Page(new FloatPointer((long) (heads().width() + heads().valueWidth()) * pageLength));
            all.add(page);
        }
        page.users = 1;
        return page;
    }

    /** Keys or values of the first positions of a page. */
    private void copy(long from, long to, int positions, int size) {
        for (int run = 0; run < heads().count(); run++) {
            long offset = (long) run * pageLength * size * Float.BYTES;
            // Pieces of what there is room for.
            for (int done = 0; done < positions; done += POSITIONS) {
                int n = Math.min(POSITIONS, positions - done) * size;
                long piece = offset + (long) done * size * Float.BYTES;
                address.at(from + piece).get(headLines, 0, n);
                address.at(to + piece).put(headLines, 0, n);
            }
        }
    }

    /** Bytes from the keys of a page to its values. */
    private long keyBytes() {
        return (long) heads().width() * pageLength * Float.BYTES;
    }

    /** Lays lines of all heads into the runs of each. */
    private void write(Lines from, int line, int n, long page, int position, int size) {
        int width = heads().count() * size;
        for (int i = 0; i < n; i++) {
            address.at(from.at(line + i)).get(lines, i * width, width);
        }
        for (int head = 0; head < heads().count(); head++) {
            for (int i = 0; i < n; i++) {
                System.arraycopy(lines, i * width + head * size, headLines, i * size, size);
            }
            address.at(page + ((long) head * pageLength + position) * size * Float.BYTES)
                    .put(headLines, 0, n * size);
        }
    }

    @Override
    int pages() {
        return length == 0 ? 0 : (length - 1) / pageLength + 1;
    }

    @Override
    int pageLength() {
        return pageLength;
    }

    @Override
    long key(int row, int page, int head) {
        return rows.get(row).get(page).memory.address() + (long) head * pageLength * heads().size() * Float.BYTES;
    }

    @Override
    long value(int row, int page, int head) {
        return rows.get(row).get(page).memory.address()
                + keyBytes()
                + (long) head * pageLength * heads().valueSize() * Float.BYTES;
    }

    @Override
    int keyStride() {
        return heads().size();
    }

    @Override
    int valueStride() {
        return heads().valueSize();
    }

    @Override
    public void reorder(int[] sources) {
        List<List<Page>> reordered = new ArrayList<>();
        for (int source : sources) {
            List<Page> pages = rows.get(Shapes.index("row", source, rows()));
            pages.forEach(page -> page.users++);
            reordered.add(new ArrayList<>(pages));
        }
        for (List<Page> pages : rows) {
            for (Page page : pages) {
                if (--page.users == 0) {
                    free.push(page);
                }
            }
        }
        rows = reordered;
    }

    @Override
    public void close() {
        all.forEach(page -> page.memory.close());
        all.clear();
        free.clear();
        rows = List.of();
    }
}

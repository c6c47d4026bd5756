package org.luthier.api.checkpoint;

import org.luthier.api.LuthierException;

/** A checkpoint that breaks a rule of its format: names the file, the place in it and the rule. */
public final class CheckpointException extends LuthierException {
    private static final long serialVersionUID = 1L;

    private final String file;
    private final long offset;
    private final String rule;

    /**
     * @param file the file's name
     * @param offset byte offset of the trouble, or -1 where there is no one place
     * @param rule short stable name of the rule, for example {@code "header-length"}
     * @param detail what was expected and what was found
     */
    public CheckpointException(String file, long offset, String rule, String detail) {
        this(file, offset, rule, detail, null);
    }

    /**
     * @param file the file's name
     * @param offset byte offset of the trouble, or -1 where there is no one place
     * @param rule short stable name of the rule
     * @param detail what was expected and what was found
     * @param cause what was underneath
     */
    public CheckpointException(String file, long offset, String rule, String detail, Throwable cause) {
        super(file + (offset < 0 ? "" : " at byte " + offset) + ": " + detail + " [" + rule + "]", cause);
        this.file = file;
        this.offset = offset;
        this.rule = rule;
    }

    /** The file's name. */
    public String file() {
        return file;
    }

    /** Byte offset of the trouble, or -1. */
    public long offset() {
        return offset;
    }

    /** Short stable name of the broken rule. */
    public String rule() {
        return rule;
    }
}

/**
 * Waits for an answer, but not for ever. What becomes of it afterwards is ignored, a rejection too.
 * @param who is asked, for the message
 * @param limit milliseconds
 * @throws Error when it has not come by then; else what the answer rejects with
 */
export async function answerWithin<Answer>(
  answer: Promise<Answer>,
  who: string,
  limit: number,
): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${who} did not answer within ${limit} ms`)), limit);
  });
  try {
    return await Promise.race([answer, over]);
  } finally {
    clearTimeout(timer);
  }
}

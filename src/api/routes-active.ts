// Queries under way: which they are, and an end to one of them. A tenant sees and ends its own.
import { TidemarkError } from '../base/index.ts';
import { type Answer, NO_CONTENT, type Exchange, type Route, successAnswer } from './exchange.ts';
import type { ApiServices } from './services.ts';

export function activeRoutes({ active }: ApiServices): Route[] {
  const cancel = (exchange: Exchange): Answer => {
    const id = exchange.pathParameter('id');
    if (/^\d{1,15}$/.test(id) && active.cancel(exchange.tenant, Number(id))) return NO_CONTENT;
    throw new TidemarkError('not_found', `cannot cancel query: no query of that number is under way; got ${id}`);
  };
  return [
    {
      path: '/api/v1/query/active',
      methods: ['GET'],
      handle: async ({ tenant }): Promise<Answer> => successAnswer(await active.list(tenant)),
    },
    { path: '/api/v1/query/active/:id', methods: ['DELETE'], handle: cancel },
    { path: '/api/v1/query/active/:id/cancel', methods: ['POST', 'PUT'], handle: cancel },
  ];
}
